import type { ExecutionState } from '../events/execution-state.ts'
import { addTokenUsage, type TokenUsage } from '../events/token-usage.ts'
import { runAtOnce, type Steps } from '../slices.ts'
import type { TaskHistory } from './task-history.ts'

/** The fields of events that samples are made of. Stored data may be of any shape. */
interface StoredData {
  readonly name?: unknown
  readonly taskId?: unknown
  readonly parentId?: unknown
  readonly tasks?: unknown
  readonly itemCount?: unknown
  readonly tool?: unknown
  readonly status?: unknown
  readonly attempts?: unknown
  readonly executionTimeMs?: unknown
  readonly delayMs?: unknown
  readonly reusedFrom?: unknown
  readonly tokenUsage?: unknown
}

/** Tasks per step. */
const STEP = 256

interface EndedTask {
  readonly taskId: string
  readonly tool: string
  readonly timeMs: number
}

/** Collects the samples of one execution from its log, in the order of the log. Unusable data is no sample. */
export class ExecutionSamples {
  #name: string | undefined
  readonly #parentOf = new Map<string, { readonly parentId: string; readonly isIndexed: boolean }>()
  /** Tasks with children. */
  readonly #parents = new Set<string>()
  /** Children that were added and have an index: rounds, or items as far as they were added. */
  readonly #indexedCounts = new Map<string, number>()
  /** Items of a `forEach`, which may be 0. */
  readonly #itemCounts = new Map<string, number>()
  readonly #succeeded = new Set<string>()
  readonly #usages = new Map<string, TokenUsage>()
  readonly #pauses = new Map<string, number>()
  readonly #ended: EndedTask[] = []
  #hasRetried = false

  /** Adds the entries that lead to a state. Usage of single tasks and delays between attempts are not in it. */
  addBase(state: ExecutionState): void {
    runAtOnce(this.stateSteps(state))
  }

  /** The same in steps. */
  *stateSteps({ name, tasks }: ExecutionState): Steps<void> {
    this.#name = name
    let count = 0
    for (const { taskId, parentId, index, itemCount, result } of tasks.values()) {
      this.#addTask(taskId, parentId, index)
      if (itemCount !== undefined) this.#itemCounts.set(taskId, itemCount)
      if (result !== undefined) this.#end(result)
      if (++count % STEP === 0) yield
    }
  }

  /** Adds an entry of the log; most types say nothing about times. */
  add(type: string, data: StoredData): void {
    const { name, taskId, parentId, tasks, itemCount, tokenUsage, delayMs } = data
    if (type === 'execution_start' && typeof name === 'string') this.#name = name
    else if (type === 'task_complete') this.#end(data)
    else if (type === 'tasks_added' && Array.isArray(tasks)) {
      for (const task of tasks as readonly { readonly taskId?: unknown; readonly index?: unknown }[]) {
        this.#addTask(task.taskId, parentId, task.index)
      }
    } else if (typeof taskId !== 'string') return
    else if (type === 'task_start' && typeof itemCount === 'number') this.#itemCounts.set(taskId, itemCount)
    else if (type === 'task_retry' && isTime(delayMs)) this.#pauses.set(taskId, this.#pauseOf(taskId) + delayMs)
    else if (type === 'token_usage' && typeof tokenUsage === 'object' && tokenUsage !== null) {
      this.#usages.set(taskId, addTokenUsage(this.#usages.get(taskId), tokenUsage))
    }
  }

  /** Whether some task had several attempts: the delays between them are not known from a state alone. */
  get hasRetried(): boolean {
    return this.#hasRetried
  }

  /** Adds its samples to a history. @param isNewest whether it is more recent than all others there, or less */
  addTo(history: TaskHistory, isNewest = false): void {
    runAtOnce(this.steps(history, isNewest))
  }

  /** As `addTo`, in steps. */
  *steps(history: TaskHistory, isNewest: boolean): Steps<void> {
    for (const [parentId, count] of this.#itemCounts) {
      history.addChildCount(this.#name, this.#placeOf(parentId), 'forEach', count, isNewest)
    }
    for (const [parentId, count] of this.#indexedCounts) {
      // A failure ends the rounds early.
      if (this.#itemCounts.has(parentId) || !this.#succeeded.has(parentId)) continue
      history.addChildCount(this.#name, this.#placeOf(parentId), 'repeat', count, isNewest)
    }
    for (const [at, { taskId, tool, timeMs }] of this.#ended.entries()) {
      if (at % STEP === STEP - 1) yield
      // Its children ran in its place.
      if (this.#parents.has(taskId) || this.#itemCounts.has(taskId)) continue
      const sample = { tool, timeMs, pauseMs: this.#pauseOf(taskId), usage: this.#usages.get(taskId) }
      history.add(this.#name, this.#placeOf(taskId), sample, isNewest)
    }
    history.addRun(this.#name)
  }

  #pauseOf(taskId: string): number {
    return this.#pauses.get(taskId) ?? 0
  }

  #addTask(taskId: unknown, parentId: unknown, index: unknown): void {
    if (typeof taskId !== 'string' || typeof parentId !== 'string') return
    const isIndexed = typeof index === 'number'
    this.#parentOf.set(taskId, { parentId, isIndexed })
    this.#parents.add(parentId)
    if (isIndexed) this.#indexedCounts.set(parentId, (this.#indexedCounts.get(parentId) ?? 0) + 1)
  }

  #end({ taskId, tool, status, attempts, executionTimeMs, reusedFrom }: StoredData): void {
    if (status !== 'success' || typeof taskId !== 'string') return
    this.#succeeded.add(taskId)
    if (reusedFrom !== undefined || attempts === 0) return
    if (typeof tool !== 'string' || !isTime(executionTimeMs)) return
    if (typeof attempts === 'number' && attempts > 1) this.#hasRetried = true
    this.#ended.push({ taskId, tool, timeMs: executionTimeMs })
  }

  #placeOf(taskId: string): string {
    const parent = this.#parentOf.get(taskId)
    if (parent === undefined) return taskId
    const { parentId, isIndexed } = parent
    return this.#placeOf(parentId) + (isIndexed ? '[]' : taskId.slice(parentId.length))
  }
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY
}
