import {
  type DAGStructure,
  type SinkOptions,
  type SSEEvent,
  type StreamedExecutionResult,
  StreamingExecutor,
} from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** Writes an execution of controlled tools into a sink; `state` tells whether the promise has settled. */
export function start(workflow: DAGStructure, stream: WritableStream<SSEEvent>, options: SinkOptions = {}) {
  const clock = new FakeClock()
  const tool = new ControlledTool()
  const executor = new StreamingExecutor({ work: { execute: tool.execute } }, { clock, createId: () => 'x' })
  const run = executor.executeWithStreaming(workflow, stream, options)
  const state: { settled?: unknown } = {}
  run.then(
    value => void (state.settled = value),
    error => void (state.settled = error),
  )
  return { clock, tool, run, state }
}

/** What three tasks that succeed make. */
export const DONE = {
  executionId: 'x',
  status: 'success',
  totalTasks: 3,
  successCount: 3,
  errorCount: 0,
  skippedCount: 0,
}

/** Lets three tasks succeed, and time pass to the end of every deadline. */
export async function finish({ clock, tool, run }: ReturnType<typeof start>): Promise<StreamedExecutionResult> {
  await tool.succeedAll({ n: 1 })
  await clock.run(2000)
  return run
}
