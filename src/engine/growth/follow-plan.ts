import { afterTurn, isTurnSpent } from '../../clock.ts'
import { readToolError } from '../../attempt/tool-error.ts'
import { cutText } from '../../text.ts'
import type { ExecutionLoop } from '../execution-loop.ts'
import type { PlanDesk } from './plan-desk.ts'
import { LineIntake } from './line-intake.ts'
import type { PlanLine, PlanLineReader } from './plan-lines.ts'
import type { ResolvedPlanOptions } from './plan-options.ts'

/** Maximum length of the message of a source that has failed, characters. */
const MAX_WHY = 500

/**
 * How the reading of a plan ended: its seal or its end was reached, a line ended the execution, the source broke off, or the
 * execution ended first.
 */
export type PlanEnd = 'sealed' | 'rejected' | 'broken' | 'ended'

/**
 * Adds the lines of a plan to its execution as they come, and leaves the source at the end. Never rejects.
 * @param first a line that was read already
 */
export async function followPlan(
  loop: ExecutionLoop,
  reader: PlanLineReader,
  streamed: ResolvedPlanOptions,
  first?: PlanLine,
): Promise<PlanEnd> {
  const desk = await loop.openPlan()
  let hasEnded = false
  // The source may never give another line. One listener: a race with each line would keep one reaction per line.
  const leave = (): void => {
    hasEnded = true
    reader.cancel()
  }
  loop.ended.then(leave, leave)
  const end = desk === undefined ? 'ended' : await read(desk, reader, streamed, first, () => hasEnded)
  // The rest of a plan that is complete, or that cannot go on, is not read.
  if (end !== 'broken') reader.cancel()
  return end
}

async function read(
  desk: PlanDesk,
  reader: PlanLineReader,
  streamed: ResolvedPlanOptions,
  first: PlanLine | undefined,
  hasEnded: () => boolean,
): Promise<PlanEnd> {
  const intake = new LineIntake(desk, streamed)
  try {
    for (let line = first ?? (await reader.next()); ; line = reader.take() ?? (await reader.next())) {
      const end = hasEnded() ? 'ended' : intake.take(line)
      if (end !== undefined) return end
      if (desk.room !== undefined) await desk.room
      if (isTurnSpent()) await new Promise<void>(afterTurn)
    }
  } catch {
    // Whatever the source throws, the rest of the plan is missing.
    return 'broken'
  }
}

/**
 * A plan broke off and nobody continues it: ends its execution, or takes it as complete.
 * @param failure what its source has thrown, for the reason
 */
export async function breakOff(
  loop: ExecutionLoop,
  { onPlanBreak }: ResolvedPlanOptions,
  failure?: PlanLineReader['failure'],
): Promise<void> {
  if (onPlanBreak === 'seal') (await loop.openPlan())?.seal()
  else {
    const why = failure === undefined ? '' : `: ${describeThrown(failure.error)}`
    loop.cancel({ code: 'PLAN_INCOMPLETE', message: `The plan broke off before it was complete${why}` })
  }
}

/** The message of anything that was thrown, cut. Never throws. */
export function describeThrown(error: unknown): string {
  if (typeof error === 'string') return cutText(error, MAX_WHY)
  return typeof error === 'object' && error !== null
    ? cutText(readToolError(error).message, MAX_WHY)
    : 'its source has failed'
}
