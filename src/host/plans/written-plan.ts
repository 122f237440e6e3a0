import type { Clock } from '../../clock.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import { breakOff, followPlan } from '../../engine/growth/follow-plan.ts'
import { type PlanLine, PlanLineReader } from '../../engine/growth/plan-lines.ts'
import type { ResolvedPlanOptions } from '../../engine/growth/plan-options.ts'
import { JsonValue } from '../../events/json-value.ts'
import { planBusy, planClosed, planLineMismatch } from './plan-errors.ts'
import type { NewPlan, Planner } from './planner.ts'

/** Silence after which a planner gives way to one that comes back with the right line, ms. */
const GIVES_WAY_MS = 10_000

/** How the plan of one execution is written. */
export interface WritingOptions {
  readonly clock: Clock
  /** Time for which a plan that broke off waits for its planner, ms. */
  readonly graceMs: number
  /** Whether its planner may come back: its request had a key. */
  readonly mayReturn: boolean
}

/** The plan of an execution that runs here, with the planner that writes it. One planner writes at a time. */
export class WrittenPlan {
  readonly #loop: ExecutionLoop
  readonly #streamed: ResolvedPlanOptions
  readonly #options: WritingOptions
  #current: { readonly planner: Planner; readonly read: Promise<void> } | undefined
  /** The last planner has been read to its end. */
  #read: Promise<void> = Promise.resolve()
  /** Why the last planner broke off. */
  #failure: PlanLineReader['failure']
  #isComplete = false
  #isClosed = false
  #isLost = false
  #stopGrace: (() => void) | undefined

  constructor(loop: ExecutionLoop, streamed: ResolvedPlanOptions, options: WritingOptions) {
    this.#loop = loop
    this.#streamed = streamed
    this.#options = options
  }

  /** Resolves once nobody writes it. */
  get read(): Promise<void> {
    return this.#read
  }

  /** Whether it takes no more lines, although its log may not say so yet. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Its first planner writes. */
  begin({ planner, reader, first }: NewPlan): void {
    this.#follow(planner, reader, first)
  }

  /**
   * A planner comes back and continues behind the last accepted line.
   * @param line the number of lines that the planner takes for accepted
   * @throws `PLAN_CLOSED`, `PLAN_BUSY`, `PLAN_LINE_MISMATCH`
   */
  async resume(planner: Planner, line: number | undefined): Promise<void> {
    const desk = await this.#loop.openPlan()
    for (;;) {
      const accepted = desk?.line ?? 0
      if (desk === undefined || this.#isComplete || desk.isClosed || desk.isSealed) throw planClosed(accepted)
      const current = this.#current
      if (current !== undefined && (current.planner.silentMs < GIVES_WAY_MS || line !== accepted)) throw planBusy()
      if (line !== accepted) throw planLineMismatch(accepted, line)
      if (current === undefined) break
      current.planner.abort()
      await current.read
    }
    this.#follow(planner, new PlanLineReader(planner, line, this.#countBytes()))
  }

  /** Nobody writes it: its planner has some time to come back. */
  async awaitPlanner(): Promise<void> {
    const desk = await this.#loop.openPlan()
    const isOver = desk === undefined || desk.isSealed || desk.isClosed || this.#current !== undefined
    if (isOver || this.#isClosed || this.#stopGrace !== undefined) return
    const { clock, graceMs } = this.#options
    if (graceMs === Number.POSITIVE_INFINITY) return
    this.#stopGrace = clock.after(graceMs, () => this.#breakOff())
  }

  /**
   * Waits for no planner any more: the execution has ended here, or the next process waits for it.
   * @param isLost whether another process has the execution already: its planner has to find that one
   */
  close(isLost = false): void {
    this.#isClosed = true
    this.#isLost = isLost
    this.#stopGrace?.()
  }

  #follow(planner: Planner, reader: PlanLineReader, first?: PlanLine): void {
    this.#stopGrace?.()
    this.#stopGrace = undefined
    // Neither of the two rejects.
    const read = followPlan(this.#loop, reader, this.#streamed, first).then(end => {
      this.#current = undefined
      this.#failure = reader.failure
      const { mayReturn } = this.#options
      if (this.#isLost || (end === 'broken' && mayReturn)) planner.abort()
      if (end !== 'broken') this.#isComplete = true
      else if (mayReturn) void this.awaitPlanner()
      else this.#breakOff()
    })
    this.#current = { planner, read }
    this.#read = read
  }

  #breakOff(): void {
    if (this.#isClosed) return
    this.#isComplete = true
    void breakOff(this.#loop, this.#streamed, this.#failure)
  }

  /** The size of the accepted tasks, as they are in the log. */
  #countBytes(): number {
    let bytes = 0
    for (const { definition } of this.#loop.log.state.tasks.values()) {
      if (definition instanceof JsonValue) bytes += definition.byteLength
    }
    return bytes
  }
}
