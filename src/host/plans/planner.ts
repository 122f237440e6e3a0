import type { PlanLine, PlanLineReader } from '../../engine/growth/plan-lines.ts'
import type { ResolvedPlanOptions } from '../../engine/growth/plan-options.ts'

/** A planner while it writes. */
export interface PresentPlanner {
  /** Time for which it has been waited for, ms; 0 while nothing is waited for. */
  readonly silentMs: number
  /** Its lines are not taken any more, and it must notice: ends its connection where that is possible. Idempotent. */
  abort(): void
}

/** The source of a plan, as a request sends it. Its iteration rejects when it breaks off. */
export interface Planner extends PresentPlanner, AsyncIterable<Uint8Array> {}

/** A plan that takes lines, wherever its execution runs. */
export interface OpenPlan {
  /** Resolves once nobody writes it here, and the log has what was read. */
  readonly read: Promise<void>
  /** Whether it takes no more lines, although the log that is read here may not say so yet. */
  readonly isComplete: boolean
  /**
   * A planner comes back and continues behind the last accepted line.
   * @param line the number of lines that the planner takes for accepted
   * @returns once it may write; it is read beside that
   * @throws `PLAN_CLOSED`, `PLAN_BUSY`, `PLAN_LINE_MISMATCH`; of a plan that another server runs: `PLAN_ELSEWHERE`,
   * `COORDINATOR_UNAVAILABLE`, the errors of the store
   */
  resume(planner: Planner, line: number | undefined): Promise<void>
}

/** A plan that begins. */
export interface NewPlan {
  readonly streamed: ResolvedPlanOptions
  readonly planner: Planner
  /** Its lines, behind the line of options. */
  readonly reader: PlanLineReader
  /** A line that was read already. */
  readonly first: PlanLine | undefined
}
