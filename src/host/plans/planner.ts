import type { PlanLine, PlanLineReader } from '../../engine/growth/plan-lines.ts'
import type { ResolvedPlanOptions } from '../../engine/growth/plan-options.ts'

/** The source of a plan, as a request sends it. Its iteration rejects when it breaks off. */
export interface Planner extends AsyncIterable<Uint8Array> {
  /** Time for which it has been waited for, ms; 0 while nothing is waited for. */
  readonly silentMs: number
  /** Its lines are not taken any more, and it must notice: ends its connection where that is possible. Idempotent. */
  abort(): void
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
