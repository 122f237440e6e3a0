import type { Schedule } from '../events/events.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import type { Limit } from '../tools/limit.ts'
import { type LimitQueue, ReadyQueue } from './ready-queue.ts'

/**
 * Turns outcomes into starts. A pure state machine: no promises, tools, clocks or streams; time comes in as a number.
 *
 *     blocked ──▶ ready ──▶ (granted) ──▶ running ──▶ settled
 *        │          ▲ │                    │    ▲
 *        │          │ │                    ▼    │ requeue
 *        │          │ └─ stop ─▶ settled  delayed ─ stop ─▶ settled
 *        └─ an ancestor failed, or stop ─▶ settled
 *
 * A task with a limit is granted a permit of it before it takes a slot, and then goes ahead of tasks without: who holds a
 * slot never waits. Each task changes hands a fixed number of times, so the whole is linear but for the heaps.
 */
export class Scheduler {
  readonly #plan: ExecutionPlan
  readonly #isLayered: boolean
  readonly #maxConcurrency: number
  readonly #phase: Uint8Array
  /** Dependencies that have not succeeded yet. */
  readonly #missing: Int32Array
  /** Unsettled tasks of each layer. */
  readonly #unsettledInLayer: Int32Array
  /** When each task first became ready; `NaN` before. */
  readonly #readySince: Float64Array
  readonly #ready = new ReadyQueue()
  /** Tasks whose permit has been granted, in that order. */
  readonly #granted: number[] = []
  readonly #limitQueues = new Map<Limit, LimitQueue>()
  /** Only for `dataflow`: the rank of a task, and the task of a rank. Under `layers` the rank is the index. */
  readonly #rankOf: Int32Array | undefined
  readonly #taskAt: readonly number[] | undefined
  #layer = 0
  #runningCount = 0
  #isStopped = false
  #unsettledCount: number

  constructor(plan: ExecutionPlan, options: { readonly schedule: Schedule; readonly maxConcurrency: number }) {
    const size = plan.tasks.length
    this.#plan = plan
    this.#isLayered = options.schedule === 'layers'
    this.#maxConcurrency = options.maxConcurrency
    this.#phase = new Uint8Array(size)
    this.#missing = new Int32Array(plan.dependencyCounts)
    this.#unsettledInLayer = Int32Array.from(plan.layerIndices, layer => layer.length)
    this.#readySince = new Float64Array(size).fill(Number.NaN)
    this.#unsettledCount = size
    if (!this.#isLayered) {
      this.#taskAt = plan.priorities
      this.#rankOf = new Int32Array(size)
      for (let rank = 0; rank < size; rank++) this.#rankOf[plan.priorities[rank] as number] = rank
    }
    for (const limit of plan.limits) this.#limitQueues.set(limit, { limit, ready: new ReadyQueue(), requestedCount: 0 })
  }

  /** Tasks that hold a slot. */
  get runningCount(): number {
    return this.#runningCount
  }

  /** Tasks that could run and wait for a slot. */
  get readyCount(): number {
    return this.#ready.size + this.#granted.length
  }

  /** Every task has settled. */
  get isDone(): boolean {
    return this.#unsettledCount === 0
  }

  /** The queues of tasks that need permits; empty for an execution without limits. */
  get limitQueues(): Iterable<LimitQueue> {
    return this.#limitQueues.values()
  }

  /** When the task first became ready; `undefined` if it never did. */
  readySince(task: number): number | undefined {
    const since = this.#readySince[task] as number
    return Number.isNaN(since) ? undefined : since
  }

  /**
   * Before `open`: where the task was left. Later layers come first, so that what has settled or waits is not made ready by what
   * it depended on.
   */
  restore(task: number, left: 'succeeded' | 'failed' | 'delayed', now: number): void {
    if (left === 'delayed') this.#phase[task] = DELAYED
    else this.#settle(task)
    if (left === 'succeeded') this.#supply(task, now)
  }

  /** Makes the first tasks ready: under either schedule those of the first layer that has not settled. */
  open(now: number): void {
    this.#openLayer(now)
  }

  /** The next task to start; it holds a slot from now on. `undefined` while there is none, or no slot. */
  next(): number | undefined {
    if (this.#runningCount >= this.#maxConcurrency) return undefined
    const task = this.#granted.length > 0 ? this.#granted.shift() : this.#taskOf(this.#ready.take())
    if (task === undefined) return undefined
    this.#phase[task] = RUNNING
    this.#runningCount += 1
    return task
  }

  /** A permit of this limit has come: the task that gets it, or `undefined` if none needs it, or none can use it. */
  grant(queue: LimitQueue, isHeld = false): number | undefined {
    queue.requestedCount -= 1
    if (isHeld) return undefined
    const task = this.#taskOf(queue.ready.take())
    if (task !== undefined) this.#granted.push(task)
    return task
  }

  /** Puts back tasks that were granted a permit and have not started. @returns them */
  revoke(): number[] {
    const revoked = this.#granted.splice(0)
    for (const task of revoked) this.#enqueue(task)
    return revoked
  }

  /** The running task succeeded: frees its slot and makes ready what waited for it. */
  succeed(task: number, now: number): void {
    this.#leaveSlot(task)
    this.#settle(task)
    this.#supply(task, now)
    this.#advance(now)
  }

  /** The running task did not succeed: frees its slot. @returns its descendants, settled with it, in document order */
  fail(task: number, now: number): number[] {
    this.#leaveSlot(task)
    this.#settle(task)
    const skipped = this.skip(task)
    this.#advance(now)
    return skipped
  }

  /** Settles the descendants of a task that did not succeed. @returns them, in document order */
  skip(task: number): number[] {
    const { starts, targets } = this.#plan.dependents
    const skipped: number[] = []
    const queue = [task]
    for (const failed of queue) {
      const end = starts[failed + 1] as number
      for (let at = starts[failed] as number; at < end; at++) {
        const dependent = targets[at] as number
        // What is settled already has been skipped for an earlier failure, its descendants with it.
        if (this.#phase[dependent] !== BLOCKED) continue
        this.#settle(dependent)
        skipped.push(dependent)
        queue.push(dependent)
      }
    }
    return skipped.sort((a, b) => a - b)
  }

  /** The running task failed and will be tried again: it holds no slot meanwhile. @returns false after `stop`: it has settled */
  delay(task: number): boolean {
    this.#leaveSlot(task)
    if (this.#isStopped) this.#settle(task)
    else this.#phase[task] = DELAYED
    return !this.#isStopped
  }

  /** The delay is over. */
  requeue(task: number, now: number): void {
    if (this.#phase[task] === DELAYED) this.#makeReady(task, now)
  }

  /** Starts nothing more. @returns every task that neither runs nor has settled, settled now, in document order */
  stop(): number[] {
    this.#isStopped = true
    const stopped: number[] = []
    for (let task = 0; task < this.#phase.length; task++) {
      if (this.#phase[task] === RUNNING || this.#phase[task] === SETTLED) continue
      this.#settle(task)
      stopped.push(task)
    }
    this.#ready.clear()
    this.#granted.length = 0
    for (const queue of this.#limitQueues.values()) queue.ready.clear()
    return stopped
  }

  #taskOf(rank: number | undefined): number | undefined {
    return rank === undefined || this.#taskAt === undefined ? rank : this.#taskAt[rank]
  }

  #leaveSlot(task: number): void {
    if (this.#phase[task] === RUNNING) this.#runningCount -= 1
  }

  /** The task has succeeded: what waited for it alone is ready, unless its layer decides that. */
  #supply(task: number, now: number): void {
    const { starts, targets } = this.#plan.dependents
    const end = starts[task + 1] as number
    for (let at = starts[task] as number; at < end; at++) {
      const dependent = targets[at] as number
      const missing = (this.#missing[dependent] as number) - 1
      this.#missing[dependent] = missing
      if (missing === 0 && !this.#isLayered && this.#phase[dependent] === BLOCKED) this.#makeReady(dependent, now)
    }
  }

  #settle(task: number): void {
    this.#phase[task] = SETTLED
    this.#unsettledCount -= 1
    const layer = this.#plan.tasks[task]?.layer as number
    this.#unsettledInLayer[layer] = (this.#unsettledInLayer[layer] as number) - 1
  }

  #makeReady(task: number, now: number): void {
    this.#phase[task] = READY
    if (Number.isNaN(this.#readySince[task])) this.#readySince[task] = now
    this.#enqueue(task)
  }

  #enqueue(task: number): void {
    const limit = this.#limitQueues.size === 0 ? undefined : this.#plan.tasks[task]?.tool.limit
    const queue = limit === undefined ? this.#ready : (this.#limitQueues.get(limit) as LimitQueue).ready
    queue.add(this.#rankOf === undefined ? task : (this.#rankOf[task] as number))
  }

  /** Under `layers`: goes on to the next layer once all of this one has settled. */
  #advance(now: number): void {
    if (this.#isLayered && this.#unsettledInLayer[this.#layer] === 0) this.#openLayer(now)
  }

  #openLayer(now: number): void {
    while (this.#unsettledInLayer[this.#layer] === 0) this.#layer += 1
    const layer = this.#plan.layerIndices[this.#layer] ?? []
    for (let at = 0; at < layer.length; at++) {
      const task = layer[at] as number
      if (this.#phase[task] === BLOCKED) this.#makeReady(task, now)
    }
  }
}

// Where a task is; plain numbers, since an array of them is all that an execution of many tasks keeps.
const BLOCKED = 0
const READY = 1
const RUNNING = 2
const DELAYED = 3
const SETTLED = 4
