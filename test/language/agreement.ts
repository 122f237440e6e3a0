import { expect } from 'vitest'
import { type ExecutionResult, JsonValue, type SSEEvent, type TaskResult } from '../../src/index.ts'
import { count, flatten, isCountable, type Outcome } from './outcome.ts'
import type { Interpretation } from './reference-interpreter.ts'

/** How a task ended, in what both the engine and the reference determine. */
interface End {
  readonly tool: string
  readonly status: string
  readonly code?: string | undefined
  readonly output?: unknown
  readonly isTolerated?: true
  readonly attempts?: number
}

/**
 * Expects that an execution of the engine ended as the reference says: every task, the counts, the status and the output.
 * @param isWhole whether no process was interrupted, so that the numbers of attempts agree as well
 */
export function expectAgreement(
  expected: Interpretation,
  { events, result, isWhole }: { events: readonly SSEEvent[]; result: ExecutionResult; isWhole: boolean },
): void {
  const told = readEnds(events)
  const attemptsOf = isWhole ? new Map(flatten(expected.tasks).map(each => [each.taskId, each.attempts])) : new Map()
  const actualEnds = new Map(Array.from(told, ([id, end]) => [id, toEnd(end, attemptsOf.get(id) !== undefined)]))
  const expectedEnds = new Map<string, End>()
  const expectTask = (outcome: Outcome): void => {
    expectedEnds.set(outcome.taskId, toExpectedEnd(outcome, isWhole))
    if (outcome.exceeded === undefined) outcome.children.forEach(expectTask)
    else {
      expectCutShort(outcome, told)
      for (const id of told.keys()) if (id.startsWith(`${outcome.taskId}[`)) actualEnds.delete(id)
    }
  }
  expected.tasks.forEach(expectTask)
  expect(Object.fromEntries(actualEnds)).toEqual(Object.fromEntries(expectedEnds))
  for (const outcome of flatten(expected.tasks)) expectCause(outcome, told)
  expectItemCounts(expected.tasks, told, events)

  const end = events.at(-1)?.data as { readonly output?: unknown; readonly outputBytes?: number }
  expect(result.status).toBe(expected.status)
  const { output } = result as { readonly output?: unknown }
  expect(output).toEqual(expected.output)
  if (end.outputBytes === undefined) expect(toPlain(end.output)).toEqual(expected.output)
  expectCounts(expected.tasks, result)
  expectTree(result.results, expected.tasks, told)
}

/** The `task_complete` of each task. */
export function readEnds(events: readonly SSEEvent[]): Map<string, TaskResult> {
  return new Map(events.flatMap(({ type, data }) => (type === 'task_complete' ? [[data.taskId, data]] : [])))
}

function toEnd({ tool, status, code, output, optional, attempts }: TaskResult, hasAttempts: boolean): End {
  return {
    tool,
    status,
    ...(status === 'success' ? { output: toPlain(output) } : { code }),
    ...(optional && { isTolerated: true }),
    ...(hasAttempts && { attempts }),
  }
}

function toExpectedEnd({ tool, status, code, output, substitute, attempts }: Outcome, isWhole: boolean): End {
  return {
    tool,
    status,
    ...(status === 'success' ? { output } : { code }),
    ...(substitute !== undefined && { isTolerated: true }),
    ...(isWhole && attempts !== undefined && { attempts }),
  }
}

function toPlain(output: unknown): unknown {
  return output instanceof JsonValue ? output.read() : output
}

/** Of a fan-out beyond its tolerance: each item that was made ended by itself or was cancelled, and enough failed. */
function expectCutShort({ taskId, children, exceeded = 0 }: Outcome, told: ReadonlyMap<string, TaskResult>): void {
  let failureCount = 0
  for (const child of children) {
    const end = told.get(child.taskId)
    if (end === undefined) continue
    if (end.status === 'cancelled') continue
    // The `finally` tasks of an aborted item run all the same, and may fail for want of what the aborted ones would have given.
    if (end.status === 'error' && child.status !== 'error' && isAborted(child.taskId, told)) continue
    if (end.status === 'error') failureCount += 1
    expect(toEnd(end, false), child.taskId).toEqual(toExpectedEnd(child, false))
  }
  expect(failureCount, `failures of ${taskId}`).toBeGreaterThan(exceeded)
}

const isAtOrBelow = (id: string, parent: string): boolean =>
  id === parent || id.startsWith(`${parent}/`) || id.startsWith(`${parent}[`)

/** Whether a task below an item was cancelled. */
function isAborted(taskId: string, told: ReadonlyMap<string, TaskResult>): boolean {
  return Array.from(told).some(([id, { status }]) => status === 'cancelled' && id.startsWith(`${taskId}/`))
}

/** Every skip and every failed parent says because of whom. */
function expectCause({ taskId, code, kind, children }: Outcome, told: ReadonlyMap<string, TaskResult>): void {
  const end = told.get(taskId)
  if (end === undefined || end.status === 'success') return
  expect(end.error, taskId).toBeTruthy()
  // What a stop ended is not how it would have ended by itself.
  if (end.code !== code) return
  if (code === 'DEPENDENCY_FAILED' || code === 'DEPENDENCY_SKIPPED') {
    expect(told.get(end.causedBy ?? '')?.status, `cause of ${taskId}`).toMatch(/error|skipped|cancelled/)
  }
  if (code === 'CHILD_FAILED' && kind !== 'tool') {
    const failed = children.filter(({ taskId: id }) => (end.error as string).includes(id))
    expect(failed.length, `the child that ${taskId} names: ${end.error}`).toBeGreaterThan(0)
  }
}

/** The start of a fan-out says how many items it has. */
function expectItemCounts(
  tasks: readonly Outcome[],
  told: ReadonlyMap<string, TaskResult>,
  events: readonly SSEEvent[],
): void {
  const outcomes = flatten(tasks)
  const fanOuts = new Map(outcomes.flatMap(each => (each.kind === 'forEach' ? [[each.taskId, each]] : [])))
  const aborted = outcomes
    .flatMap(({ exceeded, children }) => (exceeded === undefined ? [] : children))
    .filter(({ taskId }) => isAborted(taskId, told))
  // These may have other items.
  const last = flatten(aborted).filter(({ isFinally }) => isFinally)
  for (const { type, data } of events) {
    if (type !== 'task_start' || last.some(({ taskId }) => isAtOrBelow(data.taskId, taskId))) continue
    expect(data.itemCount, data.taskId).toBe(fanOuts.get(data.taskId)?.children.length)
  }
}

function expectCounts(tasks: readonly Outcome[], result: ExecutionResult): void {
  const { totalTasks, successCount, errorCount, skippedCount, cancelledCount, toleratedCount = 0 } = result
  expect(successCount + errorCount + skippedCount + cancelledCount).toBe(totalTasks)
  if (!isCountable(tasks)) return
  const { toleratedCount: expectedTolerated, ...counts } = count(tasks)
  expect({ totalTasks, successCount, errorCount, skippedCount, cancelledCount }).toEqual(counts)
  // Whether an item that failed within tolerance counts as tolerated is not said: only `optional` is.
  if (!flatten(tasks).some(hasFailedItem)) expect(toleratedCount).toBe(expectedTolerated)
}

const hasFailedItem = ({ kind, children }: Outcome): boolean =>
  kind === 'forEach' && children.some(({ status }) => status === 'error')

/** The result has the tasks of the document, and each parent has its children in `items` or `tasks`. */
function expectTree(
  results: readonly TaskResult[],
  outcomes: readonly Outcome[],
  told: ReadonlyMap<string, TaskResult>,
): void {
  expect(results.map(({ taskId }) => taskId)).toEqual(outcomes.map(({ taskId }) => taskId))
  for (const [at, result] of results.entries()) {
    const { status, code } = told.get(result.taskId) as TaskResult
    expect([result.taskId, result.status, result.code]).toEqual([result.taskId, status, code])
    const { items, tasks } = result as {
      readonly items?: readonly TaskResult[]
      readonly tasks?: readonly TaskResult[]
    }
    const outcome = outcomes[at] as Outcome
    const made = outcome.children.filter(({ taskId }) => told.has(taskId))
    if (made.length > 0) expectTree(items ?? tasks ?? [], made, told)
  }
}
