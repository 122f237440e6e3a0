import { round } from '../round.ts'

/** Where a task is. */
export const PHASE = {
  /** It waits for its dependencies, or for its layer. */
  blocked: 0,
  /** It could start. */
  ready: 1,
  running: 2,
  /** Its attempt failed, and the next one is due later. */
  delayed: 3,
  /** Its attempt ended with its process, which is not in the log yet. */
  cut: 4,
  /** It ends without running; that is not in the log yet. */
  ending: 5,
  settled: 6,
  /** Its children run in its place: it takes no slot. */
  open: 7,
  /** Its tool, or its approval, awaits an answer of a person: it takes no slot. */
  waiting: 8,
} as const

/** The smallest arrays that are made, so that few tasks can be added without copying. */
const MIN_CAPACITY = 16

/** What is known of each task, one array per field, by index. Plain numbers: an execution of many tasks keeps nothing else. */
export class TaskColumns {
  /** `PHASE`. */
  phase: Uint8Array
  /** `End` + 1 once it is decided how the task ends; 0 before. */
  end: Uint8Array
  /** Dependencies whose end is not decided. */
  unsettled: Int32Array
  /** Attempts started. */
  attempts: Int32Array
  /** The sum of its attempts that are over, ms. */
  spentMs: Float64Array
  /** When it first became ready in this process; `NaN` before. */
  readySince: Float64Array
  /** By task, attempts that ended with their process; once there are some. */
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

  /** The tasks whose last attempt is not over, ascending: they run, or wait for a person. */
  listStarted(size: number): number[] {
    return this.list(size, PHASE.running, PHASE.waiting).filter(task => this.attempts[task] !== 0)
  }

  /** Waiting begins anew, in another process: for tasks that have been ready and have not ended. */
  restartWaiting(size: number, now: number): void {
    for (let task = 0; task < size; task++) {
      const at = this.phase[task] as number
      if (at === PHASE.blocked || at === PHASE.ending || at === PHASE.settled) continue
      this.readySince[task] = now - (this.spentMs[task] as number)
    }
  }

  /** An attempt ended with its process: it does not count against the retry policy. */
  countInterrupted(task: number): void {
    this.#interrupted ??= new Map()
    this.#interrupted.set(task, (this.#interrupted.get(task) ?? 0) + 1)
  }

  /** How many attempts of a task count against its retry policy. */
  countedAttempts(task: number): number {
    return (this.attempts[task] as number) - (this.#interrupted?.get(task) ?? 0)
  }

  /** From ready in this process to `now`, without attempts, ms. @param runningMs of an attempt that is not in `spentMs` yet */
  waitMs(task: number, now: number, runningMs = 0): number {
    const since = this.readySince[task] as number
    return Number.isNaN(since) ? 0 : Math.max(0, round(now - since - (this.spentMs[task] as number) - runningMs))
  }

  /** Makes room for `size` tasks. Doubles, so that growth costs a constant amount for each task. */
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
