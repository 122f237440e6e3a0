import {
  createMemoryStore,
  type DAGStructure,
  type ExecuteOptions,
  type ExecutionResult,
  type ExecutionStore,
  type ForkOptions,
  type NamelessTool,
  type SSEEvent,
  StreamingExecutor,
} from '../../src/index.ts'
import { collectEvents } from '../support/rig.ts'

/** An execution that has ended, and the tasks that called a tool in it, in order of their calls. */
export interface Ran {
  readonly executionId: string
  readonly result: ExecutionResult
  readonly events: readonly SSEEvent[]
  readonly called: readonly string[]
}

export interface ForkRig {
  readonly store: ExecutionStore
  readonly run: (workflow: DAGStructure, options?: ExecuteOptions) => Promise<Ran>
  readonly fork: (executionId: string, options?: ForkOptions) => Promise<Ran>
  readonly resume: (executionId: string) => Promise<Ran>
  /** Ids of tasks whose calls fail. */
  readonly failing: Set<string>
  /** Versions of tools by name. */
  readonly versions: Map<string, string>
}

/** Runs and forks executions whose tools `echo` and `other` give `{task, ...arguments}`. */
export function forkRig(store: ExecutionStore = createMemoryStore()): ForkRig {
  const failing = new Set<string>()
  const versions = new Map<string, string>()
  let called: string[] = []
  const createExecutor = (): StreamingExecutor => {
    const define = (name: string): NamelessTool => {
      const version = versions.get(name)
      return {
        ...(version !== undefined && { version }),
        execute: (args, { taskId }) => {
          called.push(taskId)
          if (failing.has(taskId)) throw new Error('no')
          return { task: taskId, ...args }
        },
      }
    }
    return new StreamingExecutor({ echo: define('echo'), other: define('other') }, { store })
  }
  const follow = async (execution: Awaited<ReturnType<StreamingExecutor['fork']>>): Promise<Ran> => {
    const events = collectEvents(execution)
    const result = await execution.result
    return { executionId: execution.executionId, result, events, called: [...called] }
  }
  return {
    store,
    failing,
    versions,
    run(workflow, options) {
      called = []
      return follow(createExecutor().stream(workflow, options))
    },
    async fork(executionId, options) {
      called = []
      return follow(await createExecutor().fork(executionId, options))
    },
    async resume(executionId) {
      called = []
      return follow(await createExecutor().resume(executionId))
    },
  }
}

/** The tasks that were taken over, in the order of their ends, each with its origin. */
export function takenOver({ events }: Ran): Record<string, string> {
  const taken: Record<string, string> = {}
  for (const { type, data } of events) {
    if (type !== 'task_complete' || data.reusedFrom === undefined) continue
    taken[data.taskId] = `${data.reusedFrom.executionId}.${data.reusedFrom.taskId}`
  }
  return taken
}
