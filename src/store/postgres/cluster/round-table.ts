import type { Order } from '../../../cluster/order.ts'
import type { Hint, Round } from '../../../cluster/shared-store.ts'
import type { LogEntry } from '../../../events/log-entry.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import type { Lease } from '../../../log/event-log.ts'
import type { EventTable } from '../event-table.ts'
import { APPEND, COMMIT } from '../sql/log.ts'
import { toStored, toStoredOwner } from '../stored-text.ts'

/** Writes the rounds of coordinators, each in one statement. */
export class RoundTable {
  readonly #events: EventTable
  readonly #publish: (hint: Hint) => void

  constructor(events: EventTable, publish: (hint: Hint) => void) {
    this.#events = events
    this.#publish = publish
  }

  async commit(
    lease: Lease,
    firstSeq: number,
    entries: readonly LogEntry[],
    { orders, consumed, replies }: Round,
  ): Promise<void> {
    const { executionId } = lease
    const hasEnded = entries.some(({ type }) => type === 'execution_complete')
    if (orders.length + consumed.length + replies.length === 0 && !hasEnded) {
      await this.#events.write(APPEND, lease, firstSeq, entries, [])
    } else {
      const errors = replies.map(({ error }) => (error === undefined ? null : JSON.stringify(error)))
      await this.#events.write(COMMIT, lease, firstSeq, entries, [
        ...toOrderValues(orders),
        consumed,
        replies.map(({ commandId }) => commandId),
        replies.map(({ value }) => value ?? null),
        errors,
      ])
    }
    if (entries.length > 0) this.#publish({ kind: 'log', executionId })
    if (orders.length > 0 || hasEnded) this.#publish({ kind: 'orders' })
    if (replies.length > 0 || hasEnded) this.#publish({ kind: 'reply', executionId })
  }
}

/** Tasks, attempts, tools, owners, ranks and commands. The rank is the priority, the highest first. */
function toOrderValues(orders: readonly Order[]): readonly unknown[] {
  return [
    orders.map(({ command }) => toStored(command.taskId)),
    orders.map(({ command }) => command.attempt),
    orders.map(({ command }) => toStored(command.tool)),
    orders.map(({ owner }) => toStoredOwner(owner)),
    orders.map(({ priority }) => -priority),
    orders.map(({ command }) => stringifyJson(command)),
  ]
}
