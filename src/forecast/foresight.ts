import type { Clock } from '../clock.ts'
import type { ExecutionState } from '../events/execution-state.ts'
import { describeError } from '../log/describe-error.ts'
import type { Logger } from '../log/logger.ts'
import type { ExecutionPlan } from '../plan/execution-plan.ts'
import type { ExecutionStore } from '../store/execution-store.ts'
import { LiveHistory } from './live-history.ts'
import { type Outlook, type OutlookOptions, Outlooks } from './outlook.ts'

/** How a caller tells time and reports failures. */
interface Surroundings {
  readonly clock: Clock
  readonly logger: Logger
}

/** Foresees the executions of one store when they start. Never waited for, and never a reason to fail. */
export class Foresight {
  readonly #history: LiveHistory
  readonly #outlooks = new Outlooks()

  constructor(store: ExecutionStore) {
    this.#history = new LiveHistory(store)
  }

  /** What is expected of an execution that starts now. @param owner only executions of this owner are its history */
  of(plan: ExecutionPlan, owner: string | undefined, options: OutlookOptions & Surroundings): Outlook {
    // A plan that is still being written.
    if (plan.tasks.length === 0) return {}
    const { clock, logger } = options
    const onFailed = reportTo(logger)
    try {
      return this.#outlooks.of(plan, this.#history.of(owner, clock.now(), onFailed), options)
    } catch (error) {
      onFailed(error)
      return {}
    }
  }

  /** For a process that runs one execution: the first part of the history. @returns after at most 20 ms; never rejects */
  prepare(owner: string | undefined, { clock, logger }: Surroundings): Promise<void> {
    return this.#history.prepare(owner, clock.now(), reportTo(logger))
  }

  /** An execution has ended here: from now on it is part of the history. */
  ended(owner: string | undefined, state: ExecutionState, { logger }: Surroundings): void {
    this.#history.ended(owner, state, reportTo(logger))
  }
}

function reportTo(logger: Logger): (error: unknown) => void {
  return error => logger.debug('The history of the store is incomplete', { error: describeError(error) })
}

/** One for all that use a store, so that each of them has the whole history. */
const bySource = new WeakMap<ExecutionStore, Foresight>()

/** The foresight of a store in this process; `undefined` for a store without a history. */
export function foresightOf(store: ExecutionStore | undefined): Foresight | undefined {
  if (store?.recent === undefined) return undefined
  let foresight = bySource.get(store)
  if (foresight === undefined) {
    foresight = new Foresight(store)
    bySource.set(store, foresight)
  }
  return foresight
}
