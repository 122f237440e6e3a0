import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { createFileHost, followHosted } from '../../src/cli/target/file-host.ts'
import { createMemorySharedStore } from '../support/memory-shared-store.ts'
import { contextOf, FakeProcess } from './fake-process.ts'

test('`run` on a shared store coordinates and works in its process, leaves others alone, and leaves the store', async () => {
  const store = createMemorySharedStore(systemClock)
  const created = { executionId: 'other', createdAt: '2026-01-01T00:00:00.000Z', workflow: '{"tasks":[]}' }
  const { lease } = await store.leases.create('dead', created, 1)
  if (lease !== undefined) await store.leases.release(lease)
  const host = createFileHost(store.connect(), { add: ({ a, b }: { a: number; b: number }) => a + b })
  const workflow = { tasks: [{ id: 'sum', tool: 'add', arguments: { a: 1, b: 2 } }] }
  const begin = () => host.start({ workflow, options: {} })
  const { result } = await followHosted(host, begin, {}, contextOf(new FakeProcess('run')))
  expect(result).toMatchObject({ status: 'success', results: [{ taskId: 'sum', output: 3 }] })
  expect(await store.get('other')).toMatchObject({ status: 'running' })
  expect([store.tables.members.size, await store.leases.findHolder('other')]).toEqual([0, undefined])
})
