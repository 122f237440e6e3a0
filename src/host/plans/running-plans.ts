import type { Clock } from '../../clock.ts'
import { createId } from '../../engine/execution-id.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import { readPlanOptions } from '../../engine/resume/recorded-options.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import { ForwardedPlan } from './forwarded-plan.ts'
import type { ForwardingContext } from './forwarded-planner.ts'
import type { NewPlan, OpenPlan, Planner } from './planner.ts'
import { WrittenPlan } from './written-plan.ts'

/** The other servers of a shared store. */
export interface OtherServers {
  readonly commands: Pick<ForwardingContext, 'ask'>
  readonly watch: { readonly isSteady: boolean }
}

/** What the plans of a host work with. */
export interface RunningPlansOptions {
  readonly clock: Clock
  /** Time for which a plan that broke off waits for its planner, ms. */
  readonly graceMs: number
  readonly others: OtherServers | undefined
}

/** An execution of a host, as far as its plan is concerned. */
export interface PlannedExecution {
  readonly executionId: string
  readonly parked: unknown
  readonly hasEnded: boolean
  /** Whether it runs here. */
  readonly isRunning: boolean
  readonly log: { readonly state: ExecutionState }
}

/** The plans of the executions that run here, and those of other servers that have planners here. */
export class RunningPlans {
  readonly #options: RunningPlansOptions
  readonly #all = new Map<string, WrittenPlan>()
  readonly #forwarded = new Map<string, ForwardedPlan>()
  readonly #begun = new WeakSet<Planner>()
  #isClosed = false

  constructor(options: RunningPlansOptions) {
    this.#options = options
  }

  /** `undefined` where it neither runs nor has a planner here, or was no plan that is still being written. */
  get(executionId: string): OpenPlan | undefined {
    return this.#all.get(executionId) ?? this.#forwarded.get(executionId)
  }

  /** Whether lines may join an execution, as far as its log says: the log of a plan that begins says nothing yet. */
  mayGrow({ hasEnded, isRunning, log: { state } }: PlannedExecution): boolean {
    const begins = isRunning || this.#options.others !== undefined
    const isOpen = state.status === 'pending' ? begins : state.isUnsealed === true
    return !hasEnded && isOpen && state.stopping === undefined
  }

  /** The plan of an execution, wherever it runs; `undefined` if no process runs it, or its plan takes no more lines. */
  find(hosted: PlannedExecution): OpenPlan | undefined {
    const { executionId, isRunning, parked } = hosted
    const { others, clock, graceMs } = this.#options
    const known = this.get(executionId)
    if (known !== undefined || others === undefined || isRunning || parked !== undefined) return known
    if (!this.mayGrow(hosted)) return undefined
    const ask: ForwardingContext['ask'] = (...command) => others.commands.ask(...command)
    const context = { ask, createId, clock, graceMs }
    const forwarded = new ForwardedPlan(context, executionId, () => this.#forwarded.delete(executionId))
    this.#forwarded.set(executionId, forwarded)
    return forwarded
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

  /** Breaks no plan off any more: the next process waits for their planners. Those of other servers' plans leave. */
  close(): void {
    this.#isClosed = true
    for (const plan of this.#forwarded.values()) plan.close()
    for (const plan of this.#all.values()) plan.close()
  }

  #add(
    { executionId, idempotencyKey }: ExecutionRecord,
    loop: ExecutionLoop,
    streamed: NewPlan['streamed'],
  ): WrittenPlan {
    const { others } = this.#options
    const isSteady = (): boolean => others?.watch.isSteady ?? true
    const plan = new WrittenPlan(loop, streamed, {
      ...this.#options,
      mayReturn: idempotencyKey !== undefined,
      isSteady,
    })
    // It cannot reject.
    if (others !== undefined) void plan.listen()
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
