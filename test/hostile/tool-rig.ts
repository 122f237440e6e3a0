import { expect } from 'vitest'
import {
  handleSSERequest,
  type SSEEvent,
  StreamingExecutor,
  type TaskResult,
  type ToolContext,
} from '../../src/index.ts'
import { parseMessages } from '../http/request-rig.ts'

export type Work = (args: Record<string, unknown>, context: ToolContext) => unknown

export interface Ran {
  readonly task: TaskResult
  readonly events: readonly SSEEvent[]
  /** What came between the start of the task and its end. */
  readonly emitted: readonly object[]
}

export const ONE = { tasks: [{ id: 'a', tool: 'work' }] }

/** Runs one task in process and over the wire, and sees to it that its neighbour and every event are whole. */
export async function run(work: Work): Promise<Ran> {
  const tools = { work, fine: () => 1 }
  const tasks = [...ONE.tasks, { id: 'neighbour', tool: 'fine' }]
  const execution = new StreamingExecutor(tools, { abortGraceMs: 20 }).stream({ tasks })
  const events: SSEEvent[] = []
  for await (const event of execution) events.push(event)
  const { results } = await execution.result
  for (const event of events) expect(JSON.parse(JSON.stringify(event))).toStrictEqual(event)
  const text = await (await handleSSERequest(new Request('http://localhost'), { tasks }, { tools })).text()
  const messages = parseMessages(text)
  const types = new Map<string, number>()
  for (const { type } of events) types.set(type, (types.get(type) ?? 0) + 1)
  for (const { event = '' } of messages) types.set(event, (types.get(event) ?? 0) - 1)
  expect([...types.values()].filter(difference => difference !== 0)).toEqual([])
  for (const { data } of messages) expect(JSON.parse(data)).toBeTypeOf('object')
  expect(results[1]).toMatchObject({ status: 'success', output: 1 })
  const emitted = events
    .filter(({ type }) => ['token', 'task_progress', 'info', 'token_usage'].includes(type))
    .map(({ type, data }) => ({ type, ...data, executionId: undefined, timestamp: undefined }))
  return { task: results[0] as TaskResult, events, emitted }
}

/** Cannot be made a text or a number. */
export const bomb = {
  toString(): never {
    throw new Error('bomb')
  },
  valueOf(): never {
    throw new Error('bomb')
  },
}
/** An object whose `key` cannot be read. */
export const trap = (key: string): object =>
  Object.defineProperty({}, key, {
    enumerable: true,
    get() {
      throw new Error('bomb')
    },
  })
/** Refers to itself. */
export const cycle: Record<string, unknown> = {}
cycle['self'] = cycle
