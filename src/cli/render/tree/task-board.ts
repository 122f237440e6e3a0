import type { EventFor, SSEEvent, TaskStatus } from '../../../events/events.ts'
import { createState, type ExecutionState } from '../../../events/execution-state.ts'
import { applyEvent } from '../../../events/state.ts'
import { addTokenUsage, type TokenUsage } from '../../../events/token-usage.ts'
import { RunClock } from '../../../events/run-clock.ts'
import { TaskGroups } from './task-groups.ts'

/** Number of recently ended tasks that are remembered for a view that cannot show all. */
const RECENT_TASKS = 100

/** View data of a task that runs or waits for its next attempt. */
export interface ActiveTask {
  /** Start of the attempt, ms on the clock of `apply`. */
  readonly startedAt: number
  /** Set while it waits for another attempt. */
  readonly retry?: { readonly error: string; readonly delayMs: number }
}

/**
 * The model of a viewer: the state of the shared reducer plus view-only data.
 *
 * An event costs O(1) in the number of tasks, and outputs are discarded.
 */
export class TaskBoard {
  readonly state: ExecutionState = createState('')
  /** Ids of the document's tasks by layer, in document order. */
  layers: string[][] = []
  /** Number of them. */
  topCount = 0
  /** Number of ended ones per layer. */
  readonly endedByLayer: number[] = []
  /** Tasks between their first start and their end, in start order. */
  readonly active: Map<string, ActiveTask> = new Map()
  /** Those of them that are tasks of the document. */
  readonly activeTop: Set<string> = new Set()
  /** Recently ended tasks of the document, the latest last. */
  readonly recent: string[] = []
  readonly groups: TaskGroups = new TaskGroups()
  /** Usage by task, over all attempts. */
  readonly usage: Map<string, TokenUsage> = new Map()
  /** Start of the execution, ms on the clock of `apply`. */
  startedAt = 0
  readonly #runClock = new RunClock()
  /** The clock of the events minus that of `apply`, by the last event, ms. */
  #offsetMs = Number.NaN

  /** Applies an event at `now` ms of any monotonic clock. */
  apply(event: SSEEvent, now: number): void {
    this.#runClock.apply(event)
    this.#offsetMs = Date.parse(event.data.timestamp) - now
    if (event.type === 'tasks_removed') this.#remove(event.data.taskIds)
    if (event.type === 'task_complete') {
      const { output: _, ...data } = event.data
      applyEvent(this.state, { type: event.type, data }, 0)
      this.#end(data)
      return
    }
    if (event.type === 'snapshot') return this.#restore(event.data, now)
    applyEvent(this.state, event, 0)
    if (event.type === 'execution_start') {
      this.startedAt = now
      this.layers = event.data.layers.map(ids => [...ids])
      this.topCount = event.data.totalTasks
      for (const _ of this.layers) this.endedByLayer.push(0)
    } else if (event.type === 'task_start') {
      this.#start(event.data, now)
    } else if (event.type === 'tasks_added') {
      const { parentId, tasks } = event.data
      for (const task of tasks) {
        if (parentId === undefined) this.#addTop(task)
        else this.groups.add(parentId, task)
      }
    } else if (event.type === 'execution_complete') {
      delete this.state.output
    } else if (event.type === 'task_retry') {
      const { taskId, error, delayMs } = event.data
      this.active.set(taskId, { startedAt: now, retry: { error, delayMs } })
    } else if (event.type === 'token_usage') {
      const { taskId, tokenUsage } = event.data
      this.usage.set(taskId, addTokenUsage(this.usage.get(taskId), tokenUsage))
    }
  }

  /** What is left of the forecast while it runs, for people; `undefined` where it is not known. */
  describeLeft(now: number): string | undefined {
    const { status, isUnsealed, forecastMs } = this.state
    if (status !== 'running' || isUnsealed) return undefined
    return this.#runClock.describeLeft(forecastMs, now + this.#offsetMs)
  }

  /** Number of ended tasks. */
  get endedCount(): number {
    const { successCount, errorCount, skippedCount, cancelledCount } = this.state.counts
    return successCount + errorCount + skippedCount + cancelledCount
  }

  /** Restores the state from a snapshot that replaces unavailable events. */
  #restore(data: EventFor<'snapshot'>['data'], now: number): void {
    const tasks = data.tasks.map(task => ({ ...task, output: undefined }))
    applyEvent(this.state, { type: 'snapshot', data: { ...data, tasks } }, 0)
    this.startedAt ||= now
    this.active.clear()
    this.activeTop.clear()
    this.groups.clear()
    this.recent.length = 0
    this.endedByLayer.length = 0
    this.topCount = 0
    this.layers = []
    for (const task of tasks) {
      const { taskId, status, parentId, itemCount } = task
      if (parentId === undefined) this.#addTop(task)
      else this.groups.add(parentId, task)
      if (itemCount !== undefined) this.groups.open(taskId, itemCount)
      if (status === 'running') this.#start(task, now)
      else if (status !== 'pending') this.#end({ taskId, status })
    }
    delete this.state.output
  }

  #addTop({ taskId, layer }: { readonly taskId: string; readonly layer: number }): void {
    while (this.layers.length <= layer) {
      this.layers.push([])
      this.endedByLayer.push(0)
    }
    this.layers[layer]?.push(taskId)
    this.topCount += 1
  }

  /** Removed tasks have not started. Called before the state forgets them. */
  #remove(taskIds: readonly string[]): void {
    const gone = new Set(taskIds)
    const layers = new Set(taskIds.map(id => this.state.tasks.get(id)?.layer))
    for (const layer of layers) {
      if (layer !== undefined) this.layers[layer] = (this.layers[layer] ?? []).filter(id => !gone.has(id))
    }
    this.topCount -= gone.size
  }

  #start({ taskId, itemCount }: { readonly taskId: string; readonly itemCount?: number }, now: number): void {
    // Deleted first, so that a new attempt moves to the end of the order.
    this.active.delete(taskId)
    this.active.set(taskId, { startedAt: now })
    if (itemCount !== undefined) this.groups.open(taskId, itemCount)
    if (this.#isTop(taskId)) {
      this.activeTop.delete(taskId)
      this.activeTop.add(taskId)
    } else this.groups.start(taskId)
  }

  #end({ taskId, status }: { readonly taskId: string; readonly status: TaskStatus }): void {
    this.active.delete(taskId)
    this.groups.end(taskId, status)
    if (!this.#isTop(taskId)) return
    this.activeTop.delete(taskId)
    this.recent.push(taskId)
    if (this.recent.length > RECENT_TASKS) this.recent.shift()
    const layer = this.state.tasks.get(taskId)?.layer
    if (layer !== undefined) this.endedByLayer[layer] = (this.endedByLayer[layer] ?? 0) + 1
  }

  #isTop(taskId: string): boolean {
    return this.state.tasks.get(taskId)?.parentId === undefined
  }
}
