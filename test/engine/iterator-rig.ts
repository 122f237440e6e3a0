import { type DAGStructure, type SSEEvent, StreamingExecutor, type StreamOptions } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** `count` tasks without dependencies. */
export function wide(count: number): DAGStructure {
  return { tasks: Array.from({ length: count }, (_, i) => ({ id: `t${i}`, tool: 'held' })) }
}

/** Starts a workflow of the tools `held`, which the test holds in its hand, and `instant`. */
export function start(workflow: DAGStructure, options: StreamOptions = {}) {
  const clock = new FakeClock()
  const tool = new ControlledTool()
  const warnings: [string, unknown][] = []
  const logger = { debug() {}, warn: (message: string, fields: unknown) => void warnings.push([message, fields]) }
  const tools = { held: { execute: tool.execute }, instant: () => null }
  const executor = new StreamingExecutor(tools, { clock, logger, createId: () => 'x' })
  return { clock, tool, warnings, executor, execution: executor.stream(workflow, options) }
}

/** Every event, to the end. */
export async function readAll(events: AsyncIterable<SSEEvent>): Promise<SSEEvent[]> {
  const read: SSEEvent[] = []
  for await (const event of events) read.push(event)
  return read
}

/** What an iterator still has, to the end. */
export function readRest(iterator: AsyncIterator<SSEEvent>): Promise<SSEEvent[]> {
  return readAll({ [Symbol.asyncIterator]: () => iterator })
}

/** Reads `count` events, and stays where it is. */
export async function readSome(iterator: AsyncIterator<SSEEvent>, count: number): Promise<SSEEvent[]> {
  const read: SSEEvent[] = []
  while (read.length < count) {
    const { value, done } = await iterator.next()
    if (done) break
    read.push(value)
  }
  return read
}
