import type { Schedule } from '../events/events.ts'
import type { PlannedTask } from '../plan/execution-plan.ts'
import type { Gate } from '../tools/gate.ts'
import { type LimitQueue, ReadyQueue } from './ready-queue.ts'
import type { TaskGraph } from './task-graph.ts'

/** Source of permits. `take` returns whether a permit was available at once. */
export interface PermitSource {
  take(queue: LimitQueue, task: number): boolean
}

const NO_QUEUES: ReadonlyMap<Gate, LimitQueue> = new Map()

function createQueue(limit: Gate): LimitQueue {
  return { limit, ready: new ReadyQueue(), requestedCount: 0 }
}

/** The distance between the ranks of children of one parent, small enough for 2 million of them. */
const CHILD_STEP = 2 ** -21

/**
 * The tasks that can start, smallest rank first. Transient: derived from the table and the permits that are held.
 *
 * Under `layers` the rank of a task is its index, under `dataflow` its priority. A child follows the task of the document
 * that it belongs to.
 */
export class ReadyTasks {
  readonly #graph: TaskGraph
  readonly #ready = new ReadyQueue()
  #limitQueues: ReadonlyMap<Gate, LimitQueue>
  readonly #areLimitsShared: boolean
  /** Tasks that hold a permit and wait for a slot, in the order of the permits. */
  readonly #granted: number[] = []
  #rankOf: Int32Array | undefined
  #taskAt: readonly number[] | undefined
  /** Children in the order in which they first became ready, and their positions in it, by index among the added tasks. */
  readonly #children: number[] = []
  readonly #places: number[] = []

  constructor(graph: TaskGraph, schedule: Schedule, areLimitsShared = false) {
    const { plan } = graph
    this.#graph = graph
    if (schedule === 'dataflow') this.prefer(plan.priorities)
    this.#areLimitsShared = areLimitsShared
    const limits = areLimitsShared ? [] : plan.limits
    this.#limitQueues = limits.length === 0 ? NO_QUEUES : new Map(limits.map(limit => [limit, createQueue(limit)]))
  }

  /** Replaces the order of the tasks of the plan. Call it before tasks are added. @param priorities indices, the first one first */
  prefer(priorities: readonly number[]): void {
    this.#taskAt = priorities
    this.#rankOf = new Int32Array(priorities.length)
    for (let rank = 0; rank < priorities.length; rank++) this.#rankOf[priorities[rank] as number] = rank
  }

  /** Adds the limits of the tools that a task may call which joins the document. */
  addLimits({ tool, group }: PlannedTask): void {
    if (this.#areLimitsShared) return
    if (group !== undefined && group.kind !== 'workflow') return this.addLimits(group.body)
    const limits = group === undefined ? (tool.gate === undefined ? [] : [tool.gate]) : group.plan.limits
    for (const limit of limits) {
      if (this.#limitQueues.has(limit)) continue
      this.#limitQueues = new Map([...this.#limitQueues, [limit, createQueue(limit)]])
    }
  }

  /** Number of tasks that wait only for a slot. */
  get size(): number {
    return this.#ready.size + this.#granted.length
  }

  /** Number of tasks that wait for a permit. */
  get limitedCount(): number {
    let count = 0
    for (const { ready } of this.#limitQueues.values()) count += ready.size
    return count
  }

  /** The queues of tasks that need permits; empty for an execution without limits. */
  get limitQueues(): Iterable<LimitQueue> {
    return this.#limitQueues.values()
  }

  add(task: number): void {
    const queue = this.queueFor(task)?.ready ?? this.#ready
    queue.add(this.#rank(task))
  }

  /** The queue in which a task waits for a permit; `undefined` for a task without a limit. */
  queueFor(task: number): LimitQueue | undefined {
    const limit = this.#limitQueues.size === 0 ? undefined : this.#limitOf(task)
    return limit && this.#limitQueues.get(limit)
  }

  /**
   * Removes and returns the task that starts next: one that was granted a permit, or the one with the smallest rank. A
   * limited task is passed over only while `permits` has none for it.
   */
  take(permits?: PermitSource): number | undefined {
    if (this.#granted.length > 0) return this.#granted.shift()
    if (this.#limitQueues.size === 0) return this.#taskOf(this.#ready.take())
    let exhausted: Set<LimitQueue> | undefined
    for (;;) {
      let rank = this.#ready.first ?? Number.POSITIVE_INFINITY
      let queue: LimitQueue | undefined
      for (const each of this.#limitQueues.values()) {
        const first = each.ready.first
        if (first === undefined || first >= rank || exhausted?.has(each)) continue
        rank = first
        queue = each
      }
      if (queue === undefined) return this.#taskOf(this.#ready.take())
      const task = this.#taskOf(rank) as number
      if (permits?.take(queue, task)) {
        queue.ready.take()
        return task
      }
      exhausted ??= new Set()
      exhausted.add(queue)
    }
  }

  /** Assigns a granted permit of this limit. @returns the task that gets it; `undefined` if none needs it */
  grant(queue: LimitQueue): number | undefined {
    const task = this.#taskOf(queue.ready.take())
    if (task !== undefined) this.#granted.push(task)
    return task
  }

  /** Puts back tasks that were granted a permit and have not started. @returns them */
  revoke(): number[] {
    const revoked = this.#granted.splice(0)
    for (const task of revoked) this.add(task)
    return revoked
  }

  /** Removes the tasks for which `isKept` does not hold. The caller releases their permits. */
  retain(isKept: (task: number) => boolean): void {
    const keepsRank = (rank: number): boolean => isKept(this.#taskOf(rank) as number)
    this.#ready.retain(keepsRank)
    for (const queue of this.#limitQueues.values()) queue.ready.retain(keepsRank)
    const granted = this.#granted.splice(0)
    for (const task of granted) if (isKept(task)) this.#granted.push(task)
  }

  /** Removes all tasks. @returns the tasks that were granted a permit */
  clear(): number[] {
    this.#ready.clear()
    for (const queue of this.#limitQueues.values()) queue.ready.clear()
    return this.#granted.splice(0)
  }

  #rank(task: number): number {
    const { plan } = this.#graph
    if (task < plan.tasks.length) return this.#rankOf === undefined ? task : (this.#rankOf[task] as number)
    const top = this.#graph.topOf(task)
    // A task without a parent in the document comes last.
    if (top >= plan.tasks.length) return task
    const at = task - plan.tasks.length
    let place = this.#places[at]
    if (place === undefined) {
      place = this.#children.push(task)
      this.#places[at] = place
    }
    return this.#rank(top) + place * CHILD_STEP
  }

  #taskOf(rank: number | undefined): number | undefined {
    if (rank === undefined) return undefined
    const whole = Math.floor(rank)
    if (rank > whole) return this.#children[(rank - whole) / CHILD_STEP - 1]
    return this.#taskAt === undefined || rank >= this.#taskAt.length ? rank : this.#taskAt[rank]
  }

  #limitOf(task: number): Gate | undefined {
    const { plan } = this.#graph
    if (task < plan.tasks.length) return (plan.tasks[task] as PlannedTask).tool.gate
    const definition = this.#graph.taskAt(task)
    return (definition?.tool ?? plan.tools.get(this.#graph.addedTask(task)?.tool ?? ''))?.gate
  }
}
