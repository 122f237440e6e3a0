import type { PlannerReply, PlannerStep } from '../../cluster/planner-step.ts'

/** Takes the steps of planners at other servers of a shared store. */
export interface PlannerReceiver {
  /**
   * @param planner its id
   * @param onRecorded called once what follows from the step is recorded, in the same turn
   * @returns settles once it is recorded, or never will be; rejects with why the planner may not write
   */
  receive(planner: string, step: PlannerStep, onRecorded: (reply: PlannerReply) => void): Promise<void>
}
