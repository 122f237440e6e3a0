import type { ExecutionStore } from '../store/execution-store.ts'
import type { Logger } from '../log/logger.ts'
import { askStore } from './ask-store.ts'
import type { Parked } from './shown-status.ts'

/** The executions that go on only by hand. */
export class ParkedExecutions {
  readonly #store: ExecutionStore
  readonly #logger: Logger
  readonly #ids = new Set<string>()

  constructor(store: ExecutionStore, logger: Logger) {
    this.#store = store
    this.#logger = logger
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

  /** @param crashCount what is noted of it, if anything new is @throws what the store throws */
  async park(executionId: string, parked: Parked, crashCount?: number): Promise<void> {
    const { code, message } = parked
    this.#logger.warn('An execution is parked', { executionId, code, reason: message })
    await askStore(async () => {
      const lease = await this.#store.claim(executionId)
      await this.#store.note(lease, { parked, ...(crashCount !== undefined && { crashCount }) })
    })
    this.add(executionId)
  }
}
