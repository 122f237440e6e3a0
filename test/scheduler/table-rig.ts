import { compileWorkflow, type DAGStructure } from '../../src/index.ts'
import type { SSEEventType } from '../../src/events/events.ts'
import type { AppliedEvent, TableOptions } from '../../src/scheduler/table-input.ts'
import { TaskTable } from '../../src/scheduler/task-table.ts'

const HEAD = { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z' }

/** A table and the events that a test applies to it, by the ids of tasks. */
export interface TableRig {
  readonly table: TaskTable
  readonly apply: (type: SSEEventType, data?: object, now?: number) => void
  /** Starts every task that can start now. @returns their ids */
  readonly startAll: (now?: number) => string[]
  readonly succeed: (taskId: string, now?: number) => void
  readonly fail: (taskId: string, now?: number) => void
  readonly retry: (taskId: string, more?: object) => void
  /** Every end that is due, as `id status` or `id status causedBy`, recorded. */
  readonly recordEndings: () => string[]
}

export function createTable(document: DAGStructure, options: Partial<TableOptions> = {}): TableRig {
  const plan = compileWorkflow(document, { work: () => 1, limited: { limit: 2, execute: () => 1 } })
  const table = new TaskTable(plan, { schedule: 'layers', maxConcurrency: 64, onTaskError: 'continue', ...options })
  table.open(0)
  const apply: TableRig['apply'] = (type, data = {}, now = 0) =>
    table.apply({ type, data: { ...HEAD, ...data } } as AppliedEvent, now)
  const attemptOf = (taskId: string): number => table.columns.attempts[table.graph.indexOf(taskId) as number] as number
  const complete = (taskId: string, more: object, now = 0): void =>
    apply('task_complete', { taskId, attempts: attemptOf(taskId), executionTimeMs: 0, waitMs: 0, ...more }, now)
  return {
    table,
    apply,
    startAll(now = 0) {
      const ids: string[] = []
      for (let task = table.starts.next(); task !== undefined; task = table.starts.next())
        ids.push(table.graph.idOf(task))
      for (const taskId of ids) apply('task_start', { taskId, attempt: attemptOf(taskId) + 1 }, now)
      return ids
    },
    succeed: (taskId, now) => complete(taskId, { status: 'success', output: 1 }, now),
    fail: (taskId, now) => complete(taskId, { status: 'error', code: 'TOOL_ERROR', error: 'no' }, now),
    retry: (taskId, more = {}) =>
      apply('task_retry', {
        taskId,
        attempt: attemptOf(taskId),
        delayMs: 10,
        error: 'no',
        code: 'TOOL_ERROR',
        ...more,
      }),
    recordEndings() {
      const ended: string[] = []
      for (let next = table.takeEnding(); next !== undefined; next = table.takeEnding()) {
        const { status, code, error, causedBy } = next.ending
        const taskId = table.graph.idOf(next.task)
        complete(taskId, { status, code, error, ...(causedBy !== undefined && { causedBy }) })
        ended.push([taskId, status, causedBy].filter(Boolean).join(' '))
      }
      return ended
    },
  }
}
