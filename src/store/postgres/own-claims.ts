import type { Logger } from '../../log/logger.ts'
import type { Database } from './connection/database.ts'
import { RELEASE_ALL, RENEW } from './sql/leases.ts'

/** Duration of the lease of a plain claim, and the interval of its renewal, ms. */
export const OWN_LEASE_MS = 30_000
const RENEW_EVERY_MS = 5000

/**
 * Executions that this store claimed by `claim`: it holds them while it is open, so that other processes do not take them for
 * interrupted ones.
 */
export class OwnClaims {
  readonly holder: string = `store-${globalThis.crypto.randomUUID()}`
  readonly #database: Database
  readonly #logger: Logger
  #interval: NodeJS.Timeout | undefined

  constructor(database: Database, logger: Logger) {
    this.#database = database
    this.#logger = logger
  }

  /** Call it after the first claim; idempotent. */
  keep(): void {
    this.#interval ??= setInterval(() => {
      this.#database.query(RENEW, [this.holder, OWN_LEASE_MS]).catch((error: unknown) => {
        this.#logger.warn('The claims of executions could not be renewed', { error: String(error) })
      })
    }, RENEW_EVERY_MS).unref()
  }

  /** Gives all of them back. */
  async close(): Promise<void> {
    if (this.#interval === undefined) return
    clearInterval(this.#interval)
    await this.#database.query(RELEASE_ALL, [this.holder])
  }
}
