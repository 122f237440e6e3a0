// A log that is larger than what memory keeps of it, with no store behind: a reader that is too far behind gets an error.
import { beforeAll, expect, test } from 'vitest'
import { type Execution, type SSEEvent, StreamingExecutor } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { takeAll } from '../log/log-rig.ts'

/** Of 64 KiB each: 30 MiB in all, where 16 are kept, and the 8 more that the reader's bound allows. */
const FLOOD = 480

const tool = new ControlledTool()
let execution: Execution
/** Has read one event before the flood. */
let behind: AsyncIterator<SSEEvent>

beforeAll(async () => {
  const executor = new StreamingExecutor({
    async flood(_: unknown, context) {
      for (let i = 0; i < FLOOD; i++) {
        context.emitToken('x'.repeat(64 * 1024))
        await new Promise(resolve => setImmediate(resolve))
      }
    },
    held: tool.execute,
  })
  execution = executor.stream({
    tasks: [
      { id: 'flood', tool: 'flood' },
      { id: 'held', tool: 'held' },
    ],
  })
  behind = execution[Symbol.asyncIterator]()
  await behind.next()
  const source = execution.subscribe()
  for (let isOver = false; !isOver; ) {
    await tool.idle()
    isOver = (await takeAll(source)).some(({ type, data }) => type === 'task_complete' && data.taskId === 'flood')
  }
})

test('a one-to-one reader whose place is gone is reported, since it could not get every event', async () => {
  const read: string[] = []
  const reading = (async () => {
    for await (const { type } of { [Symbol.asyncIterator]: () => behind }) read.push(type)
  })()
  await expect(reading).rejects.toMatchObject({ code: 'READER_OVERFLOWED' })
  expect(read.length).toBeLessThan(FLOOD)
})

test('an iterator that begins after that gets a snapshot, then the tail', async () => {
  const iterator = execution[Symbol.asyncIterator]()
  const { value: snapshot } = await iterator.next()
  expect(snapshot).toMatchObject({
    type: 'snapshot',
    data: {
      status: 'running',
      tasks: [
        { taskId: 'flood', status: 'success', attempts: 1 },
        { taskId: 'held', status: 'running' },
      ],
      counts: { totalTasks: 2, successCount: 1 },
    },
  })
  const seq = (snapshot as { data: { seq: number } }).data.seq
  expect(snapshot?.id).toBe(`${execution.executionId}.${seq}`)
  ;(await tool.nextCall('held')).succeed()
  const rest: SSEEvent[] = []
  for await (const event of { [Symbol.asyncIterator]: () => iterator }) rest.push(event)
  expect(rest.map(({ type, id }) => [type, id])).toEqual([
    ['task_complete', `${execution.executionId}.${seq + 1}`],
    ['execution_complete', `${execution.executionId}.${seq + 2}`],
  ])
})

test('the execution does not notice', async () => {
  expect(await execution.result).toMatchObject({ status: 'success', successCount: 2 })
})
