import { computeForecast, type Forecast } from '../../src/forecast/forecast.ts'
import { readHistory } from '../../src/forecast/read-history.ts'
import {
  compileWorkflow,
  createMemoryStore,
  type DAGStructure,
  type Execution,
  type ExecutionOptions,
  type ExecutionResult,
  type ExecutionStore,
  StreamingExecutor,
} from '../../src/index.ts'
import type { EventFor } from '../../src/events/events.ts'
import type { AnyTool } from '../../src/tools/registry.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** A recorded execution. */
export interface Recorded {
  readonly executionId: string
  readonly ms: number
  readonly start: EventFor<'execution_start'>['data']
  /** Ids of tasks in the order of their first starts. */
  readonly started: readonly string[]
  readonly result: ExecutionResult
}

export interface Recorder {
  readonly store: ExecutionStore
  readonly tools: readonly AnyTool[]
  readonly executor: StreamingExecutor
  readonly clock: FakeClock
  readonly record: (workflow: DAGStructure, options?: ExecutionOptions) => Promise<Recorded>
  /** Follows an execution to its end. */
  readonly follow: (execution: Execution) => Promise<Recorded>
  /** The makespan of an execution, ms. */
  readonly run: (workflow: DAGStructure, options?: ExecutionOptions) => Promise<number>
  readonly forecast: (workflow: DAGStructure, maxConcurrency?: number) => Promise<Forecast>
}

/** Executions on a fake clock; `timeOf` gives the duration of each call, or throws. */
export function createRecorder(
  timeOf: (taskId: string, attempt: number) => number,
  more: Partial<AnyTool> = {},
  store: ExecutionStore = createMemoryStore(),
): Recorder {
  const clock = new FakeClock()
  const tool = (name: string): AnyTool => ({
    name,
    execute: (_, context) =>
      new Promise<unknown>((resolve, reject) => {
        const ms = timeOf(context.taskId, context.attempt)
        clock.after(Math.abs(ms), () => {
          if (name === 'model') context.reportUsage({ totalTokensIn: 100, totalTokensOut: 10, totalCost: 0.5 })
          if (ms < 0) reject(new Error('failed'))
          else resolve([1, 2, 3])
        })
      }),
    ...more,
  })
  const tools = [tool('work'), tool('model')]
  let count = 0
  const createId = (): string => `x${++count}`
  const executor = new StreamingExecutor(tools, { clock, store, createId, random: () => 0.5 })
  const follow = async (execution: Execution): Promise<Recorded> => {
    const state = { hasEnded: false }
    void execution.result.finally(() => (state.hasEnded = true))
    while (!state.hasEnded) await clock.run(clock.nextTimerMs ?? 0)
    let start: Recorded['start'] | undefined
    const started = new Set<string>()
    for await (const { type, data } of execution) {
      if (type === 'execution_start') start = data
      else if (type === 'task_start') started.add(data.taskId)
    }
    if (start === undefined) throw new Error('no execution_start')
    const result = await execution.result
    const { executionId } = execution
    return { executionId, ms: result.executionTimeMs, start, started: [...started], result }
  }
  const record = (workflow: DAGStructure, options?: ExecutionOptions): Promise<Recorded> =>
    follow(executor.stream(workflow, options))
  return {
    store,
    tools,
    executor,
    clock,
    record,
    follow,
    run: async (workflow, options) => (await record(workflow, options)).ms,
    async forecast(workflow, maxConcurrency = 64) {
      return computeForecast(compileWorkflow(workflow, tools), await readHistory(store), { maxConcurrency })
    },
  }
}

/** A task of the recorder's tools. */
export const task = (id: string, dependsOn: readonly string[] = [], tool = 'work'): DAGStructure['tasks'][number] => ({
  id,
  tool,
  dependsOn,
  arguments: {},
})
