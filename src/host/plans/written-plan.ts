import type { Clock } from '../../clock.ts'
import type { PlannerReply, PlannerStep } from '../../cluster/planner-step.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import { breakOff, followPlan, type PlanEnd } from '../../engine/growth/follow-plan.ts'
import type { PlanDesk } from '../../engine/growth/plan-desk.ts'
import { type PlanLine, PlanLineReader } from '../../engine/growth/plan-lines.ts'
import type { ResolvedPlanOptions } from '../../engine/growth/plan-options.ts'
import type { PlannerReceiver } from '../../engine/growth/planner-receiver.ts'
import { JsonValue } from '../../events/json-value.ts'
import { planBusy, planClosed, planLineMismatch } from './plan-errors.ts'
import type { NewPlan, OpenPlan, Planner, PresentPlanner } from './planner.ts'
import { RemotePlanner } from './remote-planner.ts'

/** Silence after which a planner gives way to one that comes back with the right line, ms. */
const GIVES_WAY_MS = 10_000

/** How the plan of one execution is written. */
export interface WritingOptions {
  readonly clock: Clock
  /** Time for which a plan that broke off waits for its planner, ms. */
  readonly graceMs: number
  /** Whether its planner may come back: its request had a key. */
  readonly mayReturn: boolean
  /** Whether the store answers: see `RemoteContext`. */
  readonly isSteady: () => boolean
}

/**
 * The plan of an execution that runs here, with the planner that writes it, here or at another server. One planner writes at a
 * time.
 */
export class WrittenPlan implements OpenPlan, PlannerReceiver {
  readonly #loop: ExecutionLoop
  readonly #streamed: ResolvedPlanOptions
  readonly #options: WritingOptions
  #current: { readonly planner: PresentPlanner; readonly read: Promise<void> } | undefined
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

  get read(): Promise<void> {
    return this.#read
  }

  get isComplete(): boolean {
    return this.#isComplete
  }

  /** Its first planner writes. */
  begin({ planner, reader, first }: NewPlan): void {
    this.#follow(planner, reader, first)
  }

  async resume(planner: Planner, line: number | undefined): Promise<void> {
    await this.#admit(line, accepted =>
      this.#follow(planner, new PlanLineReader(planner, accepted, this.#countBytes())),
    )
  }

  async receive(id: string, step: PlannerStep, onRecorded: (reply: PlannerReply) => void): Promise<void> {
    const current = this.#current?.planner
    const known = current instanceof RemotePlanner && current.id === id ? current : undefined
    if (step.kind === 'write')
      return known === undefined ? onRecorded({ kind: 'unknown' }) : known.write(step, onRecorded)
    await this.#admit(step.line, (accepted, desk) => {
      const planner = new RemotePlanner(id, desk, this.#streamed, this.#options)
      const leave = (): void => planner.end('ended')
      this.#loop.ended.then(leave, leave)
      this.#write(planner, planner.ended, planner)
      onRecorded({ kind: 'opened', line: accepted, bytes: this.#countBytes() })
    })
  }

  /** Begins to take the steps of planners at other servers. */
  async listen(): Promise<void> {
    const desk = await this.#loop.openPlan()
    if (desk !== undefined) desk.planners = this
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

  /**
   * Lets a planner write, unless another one does.
   * @param begin called in the turn in which that is decided
   * @throws `PLAN_CLOSED`, `PLAN_BUSY`, `PLAN_LINE_MISMATCH`
   */
  async #admit(line: number | undefined, begin: (accepted: number, desk: PlanDesk) => void): Promise<void> {
    const desk = await this.#loop.openPlan()
    for (;;) {
      const accepted = desk?.line ?? 0
      if (desk === undefined || this.#isComplete || desk.isClosed || desk.isSealed) throw planClosed(accepted)
      const current = this.#current
      if (current !== undefined && (current.planner.silentMs < GIVES_WAY_MS || line !== accepted)) throw planBusy()
      if (line !== accepted) throw planLineMismatch(accepted, line)
      if (current === undefined) return begin(accepted, desk)
      current.planner.abort()
      await current.read
    }
  }

  #follow(planner: Planner, reader: PlanLineReader, first?: PlanLine): void {
    this.#write(planner, followPlan(this.#loop, reader, this.#streamed, first), reader)
  }

  /** @param ended how the planner ends; never rejects @param source tells why the planner has broken off */
  #write(planner: PresentPlanner, ended: Promise<PlanEnd>, source: Pick<PlanLineReader, 'failure'>): void {
    this.#stopGrace?.()
    this.#stopGrace = undefined
    const read = ended.then(async end => {
      if (end !== 'broken') {
        this.#isComplete = true
        await this.#awaitLog()
      }
      this.#current = undefined
      this.#failure = source.failure
      const { mayReturn } = this.#options
      if (this.#isLost || (end === 'broken' && mayReturn)) planner.abort()
      if (end !== 'broken') return
      if (mayReturn) void this.awaitPlanner()
      else this.#breakOff()
    })
    this.#current = { planner, read }
    this.#read = read
  }

  /** Resolves once the log has the end of the plan, or will not have it from here: then what was read may be missing, too. */
  async #awaitLog(): Promise<void> {
    const desk = await this.#loop.openPlan()
    await Promise.race([desk?.completed, this.#loop.ended.catch(() => {})])
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
