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
} as const

/** The smallest arrays that are made, so that few tasks can be added without copying. */
const MIN_CAPACITY = 16

/** What is known of each task, one array per field, by index. Plain numbers: an execution of many tasks keeps nothing else. */
export class TaskColumns {
  /** `PHASE`. */
  phase: Uint8Array
  /** `End` + 1 once it is decided how the task ends; 0 before. */
  end: Uint8Array
  /** 1 while its start is chosen and not in the log. */
  reserved: Uint8Array
  /** Dependencies whose end is not decided. */
  unsettled: Int32Array
  /** Attempts started. */
  attempts: Int32Array
  /** Of these, attempts that ended with their process: they do not count against a retry policy. */
  interrupted: Int32Array
  /** The sum of its attempts that are over, ms. */
  spentMs: Float64Array
  /** When it first became ready in this process; `NaN` before. */
  readySince: Float64Array

  constructor(dependencyCounts: readonly number[]) {
    const size = dependencyCounts.length
    this.phase = new Uint8Array(size)
    this.end = new Uint8Array(size)
    this.reserved = new Uint8Array(size)
    this.unsettled = Int32Array.from(dependencyCounts)
    this.attempts = new Int32Array(size)
    this.interrupted = new Int32Array(size)
    this.spentMs = new Float64Array(size)
    this.readySince = new Float64Array(size).fill(Number.NaN)
  }

  /** How many attempts of a task count against its retry policy. */
  countedAttempts(task: number): number {
    return (this.attempts[task] as number) - (this.interrupted[task] as number)
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
    this.reserved = copyInto(new Uint8Array(capacity), this.reserved)
    this.unsettled = copyInto(new Int32Array(capacity), this.unsettled)
    this.attempts = copyInto(new Int32Array(capacity), this.attempts)
    this.interrupted = copyInto(new Int32Array(capacity), this.interrupted)
    this.spentMs = copyInto(new Float64Array(capacity), this.spentMs)
    this.readySince = copyInto(new Float64Array(capacity).fill(Number.NaN), this.readySince)
  }
}

function copyInto<T extends Uint8Array | Int32Array | Float64Array>(target: T, source: T): T {
  target.set(source)
  return target
}
