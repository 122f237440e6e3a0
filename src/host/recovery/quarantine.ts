import type { Clock } from '../../clock.ts'
import { park } from '../../engine/parking.ts'
import type { Parked } from '../../events/events.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import type { Logger } from '../../log/logger.ts'
import { askStore } from '../storage/call-store.ts'

/** The executions that go on only by hand. */
export class ParkedExecutions {
  readonly #store: ExecutionStore
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #ids = new Set<string>()

  constructor(store: ExecutionStore, logger: Logger, clock: Clock) {
    this.#store = store
    this.#logger = logger
    this.#clock = clock
  }

  get count(): number {
    return this.#ids.size
  }

  /** One that was parked before. */
  add(executionId: string): void {
    this.#ids.add(executionId)
  }

  /** It goes on, or is removed. */
  remove(executionId: string): void {
    this.#ids.delete(executionId)
  }

  /** One that is parked now: its log says so. */
  parkedNow(executionId: string, { code, message, tasks }: Parked): void {
    this.#logger.warn('An execution is parked', { executionId, code, reason: message, tasks })
    this.add(executionId)
  }

  /** Parks one that is not taken over. @throws what the store throws */
  async park(executionId: string, parked: Parked): Promise<void> {
    await askStore(() => park(this.#store, executionId, parked, this.#clock))
    this.parkedNow(executionId, parked)
  }
}
