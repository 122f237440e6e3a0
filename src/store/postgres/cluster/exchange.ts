import type { AttemptMessage } from '../../../cluster/inbox.ts'
import type { Exchanged } from '../../../cluster/shared-store.ts'
import type { Database } from '../connection/database.ts'
import type { HintChannel } from './hint-channel.ts'
import { drawLease, type OrderTake, toTake } from './order-take.ts'
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
    const asked = { workerId, free, ttlMs, leaseMs: drawLease(ttlMs) }
    const { accepted, freesPermit, taken } = await this.#hints.carry(toHints(messages), after =>
      this.#database.retry(async (query, isRetry, batch) => {
        // An earlier try may go on at the server. Only after this post, which waits for it, is known what it has taken.
        const calls = [toPost(workerId, messages), ...(isRetry ? [] : [toTake(asked)])]
        const [posted = [], rows] = await batch(calls, after)
        const result = await readPosted(query, messages, posted)
        if (rows === undefined) return { ...result, taken: await this.#take.run(query, true, asked) }
        return { ...result, taken: await this.#take.complete(query, rows, asked) }
      }),
    )
    if (freesPermit) this.#hints.publish({ kind: 'orders' })
    return { accepted, taken }
  }
}
