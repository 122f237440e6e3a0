import type { ExecutionState } from '../events/execution-state.ts'
import { addTokenUsage, type TokenUsage } from '../events/token-usage.ts'
import type { StoredEntry } from '../log/stored-entry.ts'
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
  readonly reusedFrom?: unknown
  readonly tokenUsage?: unknown
}

interface EndedTask {
  readonly taskId: string
  readonly tool: string
  readonly timeMs: number
}

const READ_TYPES: ReadonlySet<string> = new Set([
  'execution_start',
  'tasks_added',
  'task_start',
  'task_complete',
  'token_usage',
])

/** Collects the samples of one execution from its log, in the order of the log. Unusable data is no sample. */
export class ExecutionSamples {
  #name: string | undefined
  readonly #parentOf = new Map<string, { readonly parentId: string; readonly isIndexed: boolean }>()
  /** Children that were added, and items of a `forEach`, which may be 0. */
  readonly #childCounts = new Map<string, number>()
  readonly #itemCounts = new Map<string, number>()
  readonly #usages = new Map<string, TokenUsage>()
  readonly #ended: EndedTask[] = []

  /** Adds the entries that a store has evicted. Usage of single tasks is not in it. */
  addBase({ name, tasks }: ExecutionState): void {
    this.#name = name
    for (const { taskId, parentId, index, itemCount, result } of tasks.values()) {
      this.#addTask(taskId, parentId, index)
      if (itemCount !== undefined) this.#itemCounts.set(taskId, itemCount)
      if (result !== undefined) this.#end(result)
    }
  }

  addEntry({ type, json }: Pick<StoredEntry, 'type' | 'json'>): void {
    if (!READ_TYPES.has(type)) return
    const data = parse(json)
    const { name, taskId, parentId, tasks, itemCount, tokenUsage } = data
    if (type === 'execution_start' && typeof name === 'string') this.#name = name
    else if (type === 'task_complete') this.#end(data)
    else if (type === 'tasks_added' && Array.isArray(tasks)) {
      for (const task of tasks as readonly { readonly taskId?: unknown; readonly index?: unknown }[]) {
        this.#addTask(task.taskId, parentId, task.index)
      }
    } else if (typeof taskId !== 'string') return
    else if (type === 'task_start' && typeof itemCount === 'number') this.#itemCounts.set(taskId, itemCount)
    else if (type === 'token_usage' && typeof tokenUsage === 'object' && tokenUsage !== null) {
      this.#usages.set(taskId, addTokenUsage(this.#usages.get(taskId), tokenUsage))
    }
  }

  /** Adds its samples to a history. */
  addTo(history: TaskHistory): void {
    const counts = new Map([...this.#childCounts, ...this.#itemCounts])
    for (const [parentId, count] of counts) {
      history.addChildCount(this.#name, this.#placeOf(parentId), count)
    }
    for (const { taskId, tool, timeMs } of this.#ended) {
      // Its children ran in its place.
      if (counts.has(taskId)) continue
      history.add(this.#name, this.#placeOf(taskId), { tool, timeMs, usage: this.#usages.get(taskId) })
    }
  }

  #addTask(taskId: unknown, parentId: unknown, index: unknown): void {
    if (typeof taskId !== 'string' || typeof parentId !== 'string') return
    this.#parentOf.set(taskId, { parentId, isIndexed: typeof index === 'number' })
    this.#childCounts.set(parentId, (this.#childCounts.get(parentId) ?? 0) + 1)
  }

  #end({ taskId, tool, status, attempts, executionTimeMs, reusedFrom }: StoredData): void {
    if (status !== 'success' || reusedFrom !== undefined || attempts === 0) return
    if (typeof taskId !== 'string' || typeof tool !== 'string' || !isTime(executionTimeMs)) return
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
  return typeof value === 'number' && value >= 0
}

function parse(json: string): StoredData {
  try {
    return (JSON.parse(json) ?? {}) as StoredData
  } catch {
    return {}
  }
}
