import type { ExecutionResult, SSEEvent, TaskResult } from '../../src/index.ts'
import { count, flatten, type Outcome, toLayers } from './outcome.ts'
import type { Interpretation } from './reference-interpreter.ts'

/** An execution as an engine with one slot could tell it. */
export interface SimulatedExecution {
  readonly events: SSEEvent[]
  readonly result: ExecutionResult
}

/**
 * Tells what the reference says as the events and the result of an execution, layer by layer, each task after the other.
 * It shows that what `expectAgreement` and `expectOrder` demand can be met, and mutations of it show that they can fail.
 */
export function simulate({ tasks, status, output }: Interpretation): SimulatedExecution {
  const events: SSEEvent[] = []
  const told: Outcome[] = []
  const all = new Map(flatten(tasks).map(outcome => [outcome.taskId, outcome]))
  const emit = (type: SSEEvent['type'], data: object): void => {
    const common = { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z' }
    events.push({ type, data: { ...common, ...data } } as SSEEvent)
  }
  const tell = (outcome: Outcome): void => {
    const { taskId, tool, children, kind, attempts = 0 } = outcome
    const isParent = children.length > 0 || (kind === 'forEach' && outcome.status === 'success')
    if (isParent || attempts > 0) {
      const itemCount = kind === 'forEach' ? { itemCount: children.length } : {}
      emit('task_start', { taskId, tool, layer: outcome.layer, attempt: 1, ...itemCount })
    }
    for (let attempt = 2; attempt <= attempts; attempt++) {
      emit('task_retry', { taskId, attempt: attempt - 1, delayMs: 0, error: 'no', code: 'NO' })
      emit('task_start', { taskId, tool, layer: outcome.layer, attempt })
    }
    // Rounds are added one by one, all else at once.
    for (const group of kind === 'repeat' ? children.map(child => [child]) : [children]) {
      if (group.length === 0) continue
      told.push(...group)
      const added = [...group]
        .sort((a, b) => a.layer - b.layer)
        .map(child => ({
          taskId: child.taskId,
          tool: child.tool,
          layer: outcome.layer,
          dependsOn: child.dependsOn,
          ...(kind !== 'workflow' && { index: children.indexOf(child) }),
        }))
      emit('tasks_added', { parentId: taskId, tasks: added, totalTasks: told.length })
      tellAll(group)
    }
    emit('task_complete', toResult(outcome, all))
  }
  const tellAll = (group: readonly Outcome[]): void => {
    for (const outcome of [...group].sort((a, b) => a.layer - b.layer)) tell(outcome)
  }
  told.push(...tasks)
  emit('execution_start', { totalTasks: tasks.length, ...toLayers(tasks), schedule: 'layers' })
  tellAll(tasks)
  const figures = { totalExecutionTimeMs: 0, speedup: 0, criticalPathMs: 0, parallelizationLayers: 1 }
  const ended = { status, ...count(tasks), ...(output !== undefined && { output }) }
  emit('execution_complete', { ...ended, ...figures })
  const results = tasks.map(outcome => toTree(outcome, all))
  const result = { ...ended, executionId: 'x', results, errors: [], executionTimeMs: 0, ...figures }
  return { events, result }
}

/** All outcomes of an execution, by id. */
type Outcomes = ReadonlyMap<string, Outcome>

function toResult(outcome: Outcome, all: Outcomes): TaskResult {
  const { taskId, tool, status, code, output, substitute, children, dependsOn, attempts = 0 } = outcome
  const failed = children.find(child => child.status === 'error')
  const cause = dependsOn.find(id => all.get(id)?.status !== 'success')
  return {
    taskId,
    tool,
    status,
    ...(status === 'success' && { output }),
    ...(code !== undefined && { code, error: `because of ${failed?.taskId ?? 'itself'}` }),
    ...(status === 'skipped' && cause !== undefined && { causedBy: cause }),
    ...(substitute !== undefined && { optional: true as const }),
    attempts,
    executionTimeMs: 0,
    waitMs: 0,
  }
}

function toTree(outcome: Outcome, all: Outcomes): TaskResult & { readonly items?: readonly TaskResult[] } {
  const { children } = outcome
  return {
    ...toResult(outcome, all),
    ...(children.length > 0 && { items: children.map(child => toTree(child, all)) }),
  }
}
