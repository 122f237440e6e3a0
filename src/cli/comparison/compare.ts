import type { TaskState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import type { TokenUsage } from '../../events/token-usage.ts'
import { writeCanonicalJson } from '../../json/canonical-json.ts'
import type { ReusedFrom } from '../../events/events.ts'
import type { Side } from './read-side.ts'

/** A task of one of two executions that are compared. */
export interface ComparedTask {
  readonly status: string
  readonly tool?: string
  readonly arguments?: unknown
  readonly output?: unknown
  readonly error?: string
  readonly code?: string
  readonly attempts: number
  readonly executionTimeMs?: number
  readonly tokenUsage?: TokenUsage
  readonly reusedFrom?: ReusedFrom
}

/** What two executions differ in: times, usage and the number of attempts are no differences. */
export type Difference = 'task' | 'tool' | 'arguments' | 'status' | 'output' | 'error'

/** A task of two executions; `null` in the one that does not have it. */
export interface TaskComparison {
  readonly taskId: string
  readonly differences: readonly Difference[]
  readonly a: ComparedTask | null
  readonly b: ComparedTask | null
}

/** Two executions side by side. */
export interface Comparison {
  readonly a: { readonly executionId: string; readonly status: string }
  readonly b: { readonly executionId: string; readonly status: string }
  /** The first task that differs, before all that depend on it; `null` if none does. */
  readonly firstDivergence: string | null
  /** Those that differ first, each part by layer, children before their parents. */
  readonly tasks: readonly TaskComparison[]
}

/** Compares two executions task by task, matched by id. */
export function compareSides(a: Side, b: Side): Comparison {
  const ids = new Set([...a.state.tasks.keys(), ...b.state.tasks.keys()])
  const placed = Array.from(ids, taskId => {
    const task = (a.state.tasks.get(taskId) ?? b.state.tasks.get(taskId)) as TaskState
    return { layer: task.layer, depth: depthOf(task, a, b), comparison: compareTask(taskId, a, b) }
  }).sort((x, y) => x.layer - y.layer || y.depth - x.depth)
  const tasks = placed.map(({ comparison }) => comparison)
  const differing = tasks.filter(({ differences }) => differences.length > 0)
  return {
    a: { executionId: a.executionId, status: a.status },
    b: { executionId: b.executionId, status: b.status },
    firstDivergence: differing[0]?.taskId ?? null,
    tasks: [...differing, ...tasks.filter(({ differences }) => differences.length === 0)],
  }
}

function compareTask(taskId: string, a: Side, b: Side): TaskComparison {
  const [one, other] = [readTask(taskId, a), readTask(taskId, b)]
  if (one === null || other === null) return { taskId, differences: ['task'], a: one, b: other }
  const differences = (['tool', 'arguments', 'status', 'output', 'error'] as const).filter(name => {
    // Where one is not known there is nothing to compare.
    const isKnown = name !== 'arguments' || (Object.hasOwn(one, name) && Object.hasOwn(other, name))
    return isKnown && !isSame(one[name], other[name])
  })
  return { taskId, differences, a: one, b: other }
}

function readTask(taskId: string, { state, usage, argumentsOf }: Side): ComparedTask | null {
  const task = state.tasks.get(taskId)
  if (task === undefined) return null
  const { status, tool, attempts, result } = task
  const { output, error, code, executionTimeMs, reusedFrom } = result ?? {}
  const args = argumentsOf(taskId)
  const tokenUsage = usage.get(taskId)
  return {
    status,
    ...(tool !== undefined && { tool }),
    ...(args !== undefined && { arguments: args.read() }),
    ...(output instanceof JsonValue && { output: output.read() }),
    ...(error !== undefined && { error }),
    ...(code !== undefined && { code }),
    attempts,
    ...(executionTimeMs !== undefined && { executionTimeMs }),
    ...(tokenUsage && { tokenUsage }),
    ...(reusedFrom && { reusedFrom }),
  }
}

function isSame(a: unknown, b: unknown): boolean {
  return a === b || writeCanonicalJson(a) === writeCanonicalJson(b)
}

function depthOf(task: TaskState, a: Side, b: Side): number {
  let depth = 0
  for (let at = task.parentId; at !== undefined; depth++)
    at = (a.state.tasks.get(at) ?? b.state.tasks.get(at))?.parentId
  return depth
}
