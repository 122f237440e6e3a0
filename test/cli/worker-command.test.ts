import { expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { type WorkerCommandOptions, workerCommand } from '../../src/cli/worker/worker-command.ts'
import { createMemorySharedStore, type MemorySharedStore } from '../support/memory-shared-store.ts'
import { contextOf, FakeProcess, run } from './fake-process.ts'

interface Started {
  readonly store: MemorySharedStore
  readonly process: FakeProcess
  readonly code: Promise<number>
  /** Resolves once the text is on standard error. */
  readonly says: (text: string) => Promise<void>
}

function start(more: Partial<WorkerCommandOptions> = {}): Started {
  const store = createMemorySharedStore(systemClock)
  const process = new FakeProcess()
  const options = { store: 'postgres://db/x', tools: './test/cli/tools.mjs', lease: 1000, drain: 100, ...more }
  const open = async (): ReturnType<NonNullable<Parameters<typeof workerCommand>[2]>> => ({
    store: store.connect(),
    location: 'db/x',
  })
  const code = workerCommand({ logLevel: 'info', ...options }, contextOf(process), open)
  const says = async (text: string): Promise<void> => {
    while (!process.stderr.text.includes(text)) {
      const wrote = new Promise<void>(resolve => process.stderr.onWrite(() => resolve()))
      await Promise.race([wrote, code])
    }
  }
  onTestFinished(async () => {
    process.interrupt()
    await code.catch(() => {})
  })
  return { store, process, code, says }
}

test('it announces its tools, says where it works, and drains at Ctrl-C', async () => {
  const { store, process, code, says } = start({ only: ['http:*'], concurrency: 3 })
  await says('"message":"worker started"')
  const [member] = await store.members.list()
  expect([member?.capacity, member?.tools.every(({ name }) => name.startsWith('http:'))]).toEqual([3, true])
  process.interrupt('SIGTERM')
  expect(await code).toBe(0)
  expect(await store.members.list()).toEqual([])
  expect(process.stderr.text).toMatch(/^dagstream works for db\/x with \d+ tools?\nCtrl-C ends it\.\n/)
  expect(process.stderr.text).toContain(
    'Draining: running attempts may continue for up to 100ms; send SIGTERM again to exit',
  )
  expect(process.stderr.text).toContain('"message":"worker ended"')
  expect(process.stderr.text).toMatch(/Drained\n$/)
})

test('a second signal exits at once', async () => {
  const { process, code, says } = start()
  await says('"message":"worker started"')
  process.interrupt()
  process.interrupt()
  expect(process.exits).toEqual([130])
  await code
})

test('a queue that is not Redis is an error of usage, which does not hold its URL', async () => {
  const error: unknown = await start({ queue: 'amqp://user:secret@host' }).code.catch((each: unknown) => each)
  expect(String(error)).toContain('Expected --queue to be redis://… or rediss://…')
  expect(String(error)).not.toContain('secret')
})

test('patterns that match no tool are an error', async () => {
  const { code } = start({ only: ['none:*'] })
  await expect(code).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test('a store of one process, and none, are errors of usage', async () => {
  const file = await run(['worker', '--store', 'executions.db'])
  expect([file.code, file.stderr]).toEqual([2, expect.stringContaining('Expected --store to be postgres://…')])
  expect((await run(['worker'])).code).toBe(2)
})
