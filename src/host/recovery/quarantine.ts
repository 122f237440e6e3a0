import type { Clock } from '../../clock.ts'
import { park } from '../../engine/resume/parking.ts'
import type { Parked } from '../../events/events.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import type { Lease } from '../../log/event-log.ts'
import type { Logger } from '../../log/logger.ts'
import type { ObservedRecord, ObserverHub } from '../../engine/observers/observer-hub.ts'
import { callStore } from '../../store/call-store.ts'

/** The parts of a host that a quarantine works with. */
export interface QuarantineContext {
  readonly store: ExecutionStore
  readonly logger: Logger
  readonly clock: Clock
  readonly observers: ObserverHub
}

/** The parked executions: they resume only by hand. */
export class Quarantine {
  readonly #context: QuarantineContext
  readonly #ids = new Set<string>()

  constructor(context: QuarantineContext) {
    this.#context = context
  }

  get count(): number {
    return this.#ids.size
  }

  /** Adds an execution that is parked already. */
  add(executionId: string): void {
    this.#ids.add(executionId)
  }

  /** Removes an execution that was resumed or deleted. */
  remove(executionId: string): void {
    this.#ids.delete(executionId)
  }

  /** Adds an execution whose log was just given the entry that parks it. */
  addParked(record: ObservedRecord, { code, message, tasks }: Parked, entry: LogEntry): void {
    const { executionId } = record
    const { logger, observers } = this.#context
    logger.warn('An execution is parked', { executionId, code, reason: message, tasks })
    this.add(executionId)
    observers.parked(record, entry, {})
  }

  /** Parks an execution that was not taken over. @param lease if it is claimed already. @throws what the store throws */
  async park(stored: ObservedRecord, parked: Parked, lease?: Lease): Promise<void> {
    const { store, clock } = this.#context
    const entry = await callStore(() => park(store, stored.executionId, parked, clock, lease))
    this.addParked(stored, parked, entry)
  }
}
