import type { Clock } from '../../clock.ts'
import type { CommandNews, Reply } from '../../cluster/inbox.ts'
import type { PlannerReply, PlannerStep } from '../../cluster/planner-step.ts'
import { readReply } from '../../cluster/read-reply.ts'
import { DagstreamError, type DagstreamErrorCode } from '../../errors.ts'
import { sleep } from '../../sleep.ts'
import { type LineBatch, LineBatches } from './line-batches.ts'
import { planClosed, planElsewhere } from './plan-errors.ts'
import type { Planner } from './planner.ts'

/** Longest pause between two steps, ms: the coordinator has to know that this server is there. */
const PRESENCE_MS = 3000

/** Pause before a step is repeated, ms. */
const RETRY_MS = 1000

/** Errors of a step that may pass. */
const PASSING: ReadonlySet<DagstreamErrorCode> = new Set(['STORE_FAILED', 'COORDINATOR_UNAVAILABLE'])

/** What planners work with whose execution another server runs. */
export interface ForwardingContext {
  /** As `RemoteCommands.ask`. */
  readonly ask: (executionId: string, news: CommandNews, commandId: string) => Promise<Reply | undefined>
  readonly createId: () => string
  readonly clock: Clock
  /** Time for which a step is repeated while no coordinator replies, ms. */
  readonly graceMs: number
}

/**
 * A planner here whose execution another server runs: its lines travel through the inbox of the execution, one batch at a time.
 *
 * A reply is in the same commit as what follows from its step. After a takeover the next coordinator answers a step with
 * `unknown`: the step had no effect, and is repeated once that coordinator has let the planner in behind the same line.
 */
export class ForwardedPlanner {
  readonly #context: ForwardingContext
  readonly #executionId: string
  readonly #planner: Planner
  readonly #id: string
  readonly #leaving = new AbortController()
  /** The number of accepted lines. */
  #line = 0

  constructor(context: ForwardingContext, executionId: string, planner: Planner) {
    this.#context = context
    this.#executionId = executionId
    this.#planner = planner
    this.#id = context.createId()
  }

  /**
   * Asks to write. @returns writes the whole plan; never rejects, and resolves to whether the plan takes no more lines
   * @throws as `OpenPlan.resume`
   */
  async open(line: number | undefined): Promise<() => Promise<boolean>> {
    const opened = await this.#open(line, false)
    const batches = new LineBatches(this.#planner, opened.line, opened.bytes, this.#context.clock)
    return () => this.#write(batches)
  }

  /** This server takes its lines no more: it has to find another one. */
  abort(): void {
    this.#leaving.abort()
    this.#planner.abort()
  }

  async #write(batches: LineBatches): Promise<boolean> {
    try {
      for (;;) {
        const batch = await batches.next(PRESENCE_MS)
        const end = await this.#send(batch)
        if (end === undefined) continue
        batches.cancel()
        if (end === 'broken') this.#planner.abort()
        return end !== 'broken'
      }
    } catch {
      // It may not write any more, or nobody replies. When it comes back, it gets the reason.
      this.#planner.abort()
      batches.cancel()
      return false
    }
  }

  /** @returns how the planner ends; `undefined`: it goes on */
  async #send({ lines, end, why }: LineBatch): Promise<'broken' | 'ended' | undefined> {
    for (;;) {
      const { silentMs } = this.#planner
      const step = {
        kind: 'write',
        after: this.#line,
        lines,
        silentMs,
        ...(end && { end }),
        ...(why !== undefined && { why }),
      } as const
      const reply = await this.#ask(step, true)
      if (reply === undefined) return 'ended'
      if (reply.kind === 'written') {
        this.#line = reply.line
        return reply.end === undefined ? end && 'broken' : 'ended'
      }
      // The coordinator is a new one, or has let the planner go.
      if (end === 'broken' && lines.length === 0) return 'broken'
      await this.#open(this.#line, true)
    }
  }

  async #open(line: number | undefined, isRepeated: boolean): Promise<Extract<PlannerReply, { kind: 'opened' }>> {
    const reply = await this.#ask({ kind: 'open', ...(line !== undefined && { line }) }, isRepeated)
    if (reply?.kind !== 'opened') throw planClosed(line ?? 0)
    this.#line = reply.line
    return reply
  }

  /**
   * @param isRepeated whether the step is sent again where no coordinator replies
   * @returns `undefined`: the execution has ended, or is parked
   * @throws the error of the step, `PLAN_ELSEWHERE`, and as `RemoteCommands.ask`
   */
  async #ask(step: PlannerStep, isRepeated: boolean): Promise<PlannerReply | undefined> {
    const { ask, createId, clock, graceMs } = this.#context
    const news = { type: 'plan', planner: this.#id, step } as const
    const commandId = createId()
    for (const until = clock.now() + graceMs; ; ) {
      let reply: Reply | undefined
      try {
        reply = await ask(this.#executionId, news, commandId)
      } catch (error) {
        const mayPass = error instanceof DagstreamError && PASSING.has(error.code)
        if (!mayPass || !isRepeated || clock.now() >= until) throw error
        await sleep(clock, RETRY_MS, this.#leaving.signal)
        continue
      }
      // A coordinator of an earlier version does not know the command.
      if (reply?.error?.code === 'STORE_FAILED') throw planElsewhere()
      const value = reply && readReply(reply).value
      return value === undefined ? undefined : (JSON.parse(value) as PlannerReply)
    }
  }
}
