import type { AttemptMessage } from '../../../cluster/inbox.ts'
import type { Exchanged } from '../../../cluster/shared-store.ts'
import type { Database } from '../connection/database.ts'
import { FIND_TAKEN } from '../sql/take.ts'
import type { HintChannel } from './hint-channel.ts'
import { drawLease, type OrderTake, toStart, toTake } from './order-take.ts'
import { readPosted, toHints, toPost } from './posting.ts'

/** Posts messages of a worker and takes orders for the places that they free: one transaction and one trip for both. */
export class Exchange {
  readonly #database: Database
  readonly #take: OrderTake
  readonly #hints: HintChannel

  constructor(database: Database, take: OrderTake, hints: HintChannel) {
    this.#database = database
    this.#take = take
    this.#hints = hints
  }

  async run(workerId: string, messages: readonly AttemptMessage[], free: number, ttlMs: number): Promise<Exchanged> {
    const leaseMs = drawLease(ttlMs)
    const { accepted, freesPermit, taken } = await this.#hints.carry(toHints(messages), after =>
      this.#database.retry(async (query, isRetry, batch) => {
        const post = toPost(workerId, messages)
        const found = isRetry ? await query(FIND_TAKEN, [workerId, leaseMs]) : []
        const take = found.length > 0 ? [] : [toTake(workerId, free, leaseMs)]
        const [posted = [], rows = []] = await batch([post, ...take], after)
        return {
          ...(await readPosted(query, messages, posted)),
          taken:
            found.length > 0
              ? found.map(toStart)
              : await this.#take.complete(query, rows, { workerId, free, ttlMs, leaseMs }),
        }
      }),
    )
    if (freesPermit) this.#hints.publish({ kind: 'orders' })
    return { accepted, taken }
  }
}
