import { round } from '../round.ts'

/** Phases of a task. */
export const PHASE = {
  /** It waits for its dependencies, or for its layer. */
  blocked: 0,
  /** It can start. */
  ready: 1,
  running: 2,
  /** Its attempt failed; the delay of the retry has not passed. */
  delayed: 3,
  /** Its attempt ended with its process; the `task_retry` is not in the log yet. */
  cut: 4,
  /** It ends without running; its `task_complete` is not in the log yet. */
  ending: 5,
  settled: 6,
  /** A parent whose children run; it holds no slot. */
  open: 7,
  /** Its tool, or its approval, awaits an answer of a person: it takes no slot. */
  waiting: 8,
} as const

/** Minimum capacity, so that a few tasks can be added without copying. */
const MIN_CAPACITY = 16

/** The fields of each task: one array of numbers per field, by task index. Compact for executions of many tasks. */
export class TaskColumns {
  /** `PHASE`. */
  phase: Uint8Array
  /** `End` + 1 once the end of the task is decided; 0 before. */
  end: Uint8Array
  /** Number of dependencies whose end is not decided. */
  unsettled: Int32Array
  /** Number of started attempts. */
  attempts: Int32Array
  /** Total time of its ended attempts, ms. */
  spentMs: Float64Array
  /** When it first became ready in this process; `NaN` before. */
  readySince: Float64Array
  /** Number of interrupted attempts by task; created on first use. */
  #interrupted: Map<number, number> | undefined

  constructor(dependencyCounts: readonly number[]) {
    const size = dependencyCounts.length
    this.phase = new Uint8Array(size)
    this.end = new Uint8Array(size)
    this.unsettled = new Int32Array(dependencyCounts)
    this.attempts = new Int32Array(size)
    this.spentMs = new Float64Array(size)
    this.readySince = new Float64Array(size).fill(Number.NaN)
  }

  /** The tasks that are in one of these phases, ascending. */
  list(size: number, ...phases: readonly number[]): number[] {
    const tasks: number[] = []
    for (let task = 0; task < size; task++) if (phases.includes(this.phase[task] as number)) tasks.push(task)
    return tasks
  }

  /** The tasks whose last attempt has not ended, ascending: they run, or wait for a person. */
  listStarted(size: number): number[] {
    return this.list(size, PHASE.running, PHASE.waiting).filter(task => this.attempts[task] !== 0)
  }

  /** Restarts the waiting times of tasks that were ready and have not ended, after a change of process. */
  restartWaiting(size: number, now: number): void {
    for (let task = 0; task < size; task++) {
      const at = this.phase[task] as number
      if (at === PHASE.blocked || at === PHASE.ending || at === PHASE.settled) continue
      this.readySince[task] = now - (this.spentMs[task] as number)
    }
  }

  /** Counts an interrupted attempt, which does not count against the retry policy. */
  countInterrupted(task: number): void {
    this.#interrupted ??= new Map()
    this.#interrupted.set(task, (this.#interrupted.get(task) ?? 0) + 1)
  }

  /** Number of attempts of a task that count against its retry policy. */
  countedAttempts(task: number): number {
    return (this.attempts[task] as number) - (this.#interrupted?.get(task) ?? 0)
  }

  /**
   * Waiting time from the first readiness in this process to `now`, without attempts, ms. @param runningMs time of an
   * attempt that is not in `spentMs` yet
   */
  waitMs(task: number, now: number, runningMs = 0): number {
    const since = this.readySince[task] as number
    return Number.isNaN(since) ? 0 : Math.max(0, round(now - since - (this.spentMs[task] as number) - runningMs))
  }

  /** Grows the capacity to at least `size` tasks. Doubling makes the cost per task constant. */
  grow(size: number): void {
    const before = this.phase.length
    if (size <= before) return
    const capacity = Math.max(size, 2 * before, MIN_CAPACITY)
    this.phase = copyInto(new Uint8Array(capacity), this.phase)
    this.end = copyInto(new Uint8Array(capacity), this.end)
    this.unsettled = copyInto(new Int32Array(capacity), this.unsettled)
    this.attempts = copyInto(new Int32Array(capacity), this.attempts)
    this.spentMs = copyInto(new Float64Array(capacity), this.spentMs)
    this.readySince = copyInto(new Float64Array(capacity).fill(Number.NaN), this.readySince)
  }
}

function copyInto<T extends Uint8Array | Int32Array | Float64Array>(target: T, source: T): T {
  target.set(source)
  return target
}
