// A one-to-one reader that begins late and is served from a store first, and readers that want no outputs at all.
import { expect, test } from 'vitest'
import { createMemoryStore, type ExecutionStore, StreamingExecutor } from '../../src/index.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { takeAll } from '../log/log-rig.ts'

/** Keeps what a database would: `{ seq, type, json }`, and outputs beside them. */
function createJsonStore(): { store: ExecutionStore; outputReads: () => number } {
  const memory = createMemoryStore()
  const entries: { seq: number; type: string; json: string }[] = []
  const outputs = new Map<string, string>()
  let reads = 0
  const store: ExecutionStore = {
    ...memory,
    async append(lease, firstSeq, added) {
      await memory.append(lease, firstSeq, added)
      entries.push(...added.map(({ seq, type, json }) => ({ seq, type, json })))
    },
    read: (_, afterSeq, limit) => Promise.resolve(entries.slice(afterSeq, afterSeq + limit) as never),
    putOutput: (_, taskId, json) => void outputs.set(taskId, json),
    getOutput(_, taskId) {
      reads += 1
      return Promise.resolve(outputs.get(taskId))
    },
  }
  return { store, outputReads: () => reads }
}

const LARGE = 'x'.repeat(1024 * 1024)

const tools = {
  large: () => LARGE,
  async flood(_: unknown, { emitToken }: { emitToken: (text: string) => void }) {
    for (let i = 0; i < 480; i++) {
      emitToken('x'.repeat(64 * 1024))
      await new Promise(resolve => setImmediate(resolve))
    }
  },
  last: () => 'last',
}
const tasks = [
  ...Array.from({ length: 10 }, (_, i) => ({ id: `large ${i}`, tool: 'large' })),
  { id: 'flood', tool: 'flood' },
  { id: 'last', tool: 'last', dependsOn: ['flood'] },
]

test('a reader that begins late and takes everything gets every output and holds no memory at the end', async () => {
  const { store } = createJsonStore()
  const execution = new StreamingExecutor(tools, { store, clock: new FakeClock() }).stream({
    tasks: tasks.slice(0, -1),
  })
  await execution.result
  const outputs: unknown[] = []
  for await (const event of execution) {
    if (event.type === 'task_complete' && event.data.taskId.startsWith('large')) outputs.push(event.data.output)
  }
  expect(outputs.map(output => output === LARGE)).toEqual(new Array(10).fill(true))
})

test('a late reader that catches up while tasks wait lets them start', async () => {
  const { store } = createJsonStore()
  const execution = new StreamingExecutor(tools, { store }).stream({ tasks })
  const types: string[] = []
  await new Promise(resolve => setImmediate(resolve))
  for await (const { type } of execution) types.push(type)
  expect(types.at(-1)).toBe('execution_complete')
  expect((await execution.result).successCount).toBe(12)
})

test('a subscriber that wants the wire only makes the store fetch no output', async () => {
  const { store, outputReads } = createJsonStore()
  const execution = new StreamingExecutor(tools, { store }).stream({ tasks })
  await execution.result
  await idle()
  const taken = await takeAll(execution.subscribe(), 64 * 1024)
  expect([taken.at(-1)?.type, outputReads()]).toEqual(['execution_complete', 0])
})
