import type { Clock } from '../../clock.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import { readPlanOptions } from '../../engine/resume/recorded-options.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import type { NewPlan, Planner } from './planner.ts'
import { WrittenPlan } from './written-plan.ts'

/** The plans of the executions that run here. */
export class RunningPlans {
  readonly #clock: Clock
  readonly #graceMs: number
  readonly #all = new Map<string, WrittenPlan>()
  readonly #begun = new WeakSet<Planner>()
  #isClosed = false

  /** @param graceMs time for which a plan that broke off waits for its planner */
  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock
    this.#graceMs = graceMs
  }

  /** `undefined` where it does not run here, or was no plan that is still being written. */
  get(executionId: string): WrittenPlan | undefined {
    return this.#all.get(executionId)
  }

  /** Whether a planner has begun an execution, rather than found one. */
  hasBegun(planner: Planner): boolean {
    return this.#begun.has(planner)
  }

  /** The plan of an execution that has just started. */
  begin(record: ExecutionRecord, loop: ExecutionLoop, plan: NewPlan): void {
    this.#begun.add(plan.planner)
    this.#add(record, loop, plan.streamed).begin(plan)
  }

  /** An execution was resumed: if its plan is not complete, its planner may come back. @throws `RECORD_UNUSABLE` */
  adopt(record: ExecutionRecord, loop: ExecutionLoop): void {
    const streamed = readPlanOptions(record.options)
    if (streamed === undefined || loop.log.ending !== undefined) return
    // It cannot reject.
    void this.#add(record, loop, streamed).awaitPlanner()
  }

  /** Breaks no plan off any more: the next process waits for their planners. */
  close(): void {
    this.#isClosed = true
    for (const plan of this.#all.values()) plan.close()
  }

  #add(
    { executionId, idempotencyKey }: ExecutionRecord,
    loop: ExecutionLoop,
    streamed: NewPlan['streamed'],
  ): WrittenPlan {
    const options = { clock: this.#clock, graceMs: this.#graceMs, mayReturn: idempotencyKey !== undefined }
    const plan = new WrittenPlan(loop, streamed, options)
    if (this.#isClosed) plan.close()
    this.#all.set(executionId, plan)
    const remove = (isLost: boolean): void => {
      plan.close(isLost)
      // It may have been taken over here again.
      if (this.#all.get(executionId) === plan) this.#all.delete(executionId)
    }
    loop.ended.then(
      () => remove(false),
      () => remove(loop.log.ending === undefined),
    )
    return plan
  }
}
