import type { ExecutionLoop } from '../execution-loop.ts'
import { executionEnded } from './growth-queue.ts'
import { expectPatch, type PatchedPlan, type PlanPatch } from './patch-shape.ts'

/**
 * Changes the document of an execution: all of the patch, or nothing. A patch that comes before the start waits for it.
 * @param onRecorded called when the patch is recorded, in the same turn
 * @returns settles once it is in the log; rejects with `PLAN_CONFLICT`, `INVALID_WORKFLOW`, `INVALID_OPTION`, `EXECUTION_ENDED`, or
 * the failure of the log
 */
export async function patchExecution(
  loop: ExecutionLoop,
  patch: PlanPatch,
  onRecorded?: (patched: PatchedPlan) => void,
): Promise<PatchedPlan> {
  const given = expectPatch(patch)
  const desk = await loop.openPlan()
  if (desk === undefined) throw executionEnded()
  return desk.patch(given, onRecorded)
}
