import { expect, test } from 'vitest'
import { FakeClock } from '../support/fake-clock.ts'
import { makePath, openHere } from './sqlite-rig.ts'

const HOUR_MS = 60 * 60 * 1000

test('remembered outputs outlive the process, and the oldest go first beyond the bounds', async () => {
  const file = makePath()
  const clock = new FakeClock()
  const bounds = { clock, maxCacheBytes: 250, maxCacheAgeMs: 1000 }
  const first = await openHere(file, bounds)
  const put = (store: typeof first, key: string, size: number): void | Promise<void> =>
    store.remember?.({ key }, { executionId: 'x', taskId: 'a/é', output: `"${'x'.repeat(size)}"` })
  await put(first, 'a', 100)
  clock.advance(1)
  await put(first, 'b', 100)
  await first.close()
  const store = await openHere(file, bounds)
  const found = async (): Promise<string[]> => {
    const keys = ['a', 'b', 'c', 'd']
    const hits: string[] = []
    for (const key of keys) if ((await store.recall?.({ key }, HOUR_MS)) !== undefined) hits.push(key)
    return hits
  }
  expect(await store.recall?.({ key: 'a' }, HOUR_MS)).toMatchObject({ executionId: 'x', taskId: 'a/é' })
  clock.advance(1)
  await put(store, 'c', 100)
  expect(await found()).toEqual(['b', 'c'])
  await put(store, 'd', 1000)
  expect(await found()).toEqual(['b', 'c'])
  clock.advance(1000)
  expect(await found()).toEqual(['c'])
  await store.sweep()
  expect(await store.forget?.()).toBe(1)
})
