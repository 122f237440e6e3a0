import type { Clock } from '../../clock.ts'
import type { ForwardedLine } from '../../cluster/planner-step.ts'
import { describeThrown } from '../../engine/growth/follow-plan.ts'
import { type PlanLine, PlanLineReader } from '../../engine/growth/plan-lines.ts'
import type { Planner } from './planner.ts'

/** Number and size, characters, of lines from which on the planner is not read until they are taken. */
const MAX_LINES = 256
const MAX_TEXT = 64 * 1024

/** Lines that were read while the last ones were sent. */
export interface LineBatch {
  readonly lines: readonly ForwardedLine[]
  /** The plan is complete behind them, or its planner has broken off. */
  readonly end: 'complete' | 'broken' | undefined
  /** Why it has broken off. */
  readonly why: string | undefined
}

/** Reads a planner ahead, within a bound, and gives its lines in batches. */
export class LineBatches {
  readonly #reader: PlanLineReader
  readonly #clock: Clock
  #lines: ForwardedLine[] = []
  #size = 0
  #end: LineBatch['end']
  #why: LineBatch['why']
  #hasLeft = false
  #wakeTaker: () => void = () => {}
  #wakeReader: () => void = () => {}

  /** @param line number of lines that were accepted before @param bytes their size */
  constructor(planner: Planner, line: number, bytes: number, clock: Clock) {
    this.#reader = new PlanLineReader(planner, line, bytes)
    this.#clock = clock
    // It cannot reject.
    void this.#read()
  }

  /** All lines that are there; waits for one, at most `waitMs`. */
  async next(waitMs: number): Promise<LineBatch> {
    if (this.#lines.length === 0 && this.#end === undefined) {
      await new Promise<void>(resolve => {
        const stop = this.#clock.after(waitMs, resolve)
        this.#wakeTaker = () => {
          stop()
          resolve()
        }
      })
    }
    const lines = this.#lines
    this.#lines = []
    this.#size = 0
    this.#wakeReader()
    return { lines, end: this.#end, why: this.#why }
  }

  /** Leaves the planner: the rest of its plan is not read. */
  cancel(): void {
    this.#hasLeft = true
    this.#reader.cancel()
    this.#wakeReader()
  }

  async #read(): Promise<void> {
    let end: LineBatch['end'] = 'complete'
    try {
      for (;;) {
        const line = this.#reader.take() ?? (await this.#reader.next())
        if (line === undefined || this.#hasLeft) break
        this.#add(line)
        if (this.#isFull) await new Promise<void>(resolve => (this.#wakeReader = resolve))
      }
    } catch (error) {
      // Whatever the planner throws, the rest of the plan is missing.
      end = 'broken'
      this.#why = describeThrown(error)
    }
    this.#end = end
    this.#wakeTaker()
  }

  get #isFull(): boolean {
    return this.#lines.length >= MAX_LINES || this.#size >= MAX_TEXT
  }

  #add(line: PlanLine): void {
    const forwarded = 'issues' in line ? line : { line: line.line, json: line.json ?? '' }
    this.#lines.push(forwarded)
    this.#size += 'json' in forwarded ? forwarded.json.length : 0
    this.#wakeTaker()
  }
}
