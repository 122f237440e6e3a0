import type { ExecutionRecord } from '../../store/execution-store.ts'
import type { ExecutionLoop } from '../execution-loop.ts'
import { readPlanOptions } from '../resume/recorded-options.ts'
import { breakOff, followPlan } from './follow-plan.ts'
import { PlanLineReader, type PlanSource } from './plan-lines.ts'

/** Continues the plan of an execution that was resumed, if it was still being written: with its rest, or as one that broke off. */
export async function resumePlan(
  loop: ExecutionLoop,
  { options }: ExecutionRecord,
  rest: PlanSource | undefined,
): Promise<void> {
  const streamed = readPlanOptions(options)
  if (streamed === undefined || loop.log.ending !== undefined) return
  if ((await loop.openPlan())?.isSealed !== false) return
  if (rest === undefined) return breakOff(loop, streamed)
  const reader = new PlanLineReader(rest, loop.log.state.planLine ?? streamed.firstLine)
  void followPlan(loop, reader, streamed).then(end =>
    end === 'broken' ? breakOff(loop, streamed, reader.failure) : undefined,
  )
}
