import type { Reply } from '../../../cluster/inbox.ts'
import type { Order } from '../../../cluster/order.ts'
import type { Hint, Round } from '../../../cluster/shared-store.ts'
import type { LogEntry } from '../../../events/log-entry.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import type { Lease } from '../../../log/event-log.ts'
import type { Call } from '../connection/batch.ts'
import { toNumbers } from '../connection/parameters.ts'
import type { EventTable } from '../event-table.ts'
import { APPEND, COMMIT, COMMIT_STEP } from '../sql/log.ts'
import type { HintChannel } from './hint-channel.ts'
import { toStored, toStoredOwner } from '../stored-text.ts'

/** Writes the rounds of coordinators, each in one statement. */
export class RoundTable {
  readonly #events: EventTable
  readonly #hints: Pick<HintChannel, 'publish' | 'carry'>

  constructor(events: EventTable, hints: Pick<HintChannel, 'publish' | 'carry'>) {
    this.#events = events
    this.#hints = hints
  }

  async commit(lease: Lease, firstSeq: number, entries: readonly LogEntry[], round: Round): Promise<void> {
    const { executionId } = lease
    const { orders, replies } = round
    const hasEnded = entries.some(({ type }) => type === 'execution_complete')
    const hints: Hint[] = []
    if (entries.length > 0) hints.push({ kind: 'log', executionId })
    if (orders.length > 0 || hasEnded) hints.push({ kind: 'orders' })
    if (replies.length > 0 || hasEnded) hints.push({ kind: 'reply', executionId })
    const { statement, values } = toCall(round, hasEnded)
    const write = (after?: Call): Promise<void> =>
      this.#events.write(statement, lease, firstSeq, entries, values, after)
    // A chain of tasks waits for them at each step.
    if (hints.some(({ kind }) => kind !== 'log')) return this.#hints.carry(hints, write)
    await write()
    for (const hint of hints) this.#hints.publish(hint)
  }
}

/** The statement of a round, with its values behind those of the append. */
function toCall({ orders, consumed, replies }: Round, hasEnded: boolean): Call {
  const values = [...toOrderValues(orders), toNumbers(consumed)]
  if (replies.length > 0 || hasEnded) return { statement: COMMIT, values: [...values, ...toReplyValues(replies)] }
  const isStep = orders.length + consumed.length > 0
  return isStep ? { statement: COMMIT_STEP, values } : { statement: APPEND, values: [] }
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

/** Ids, values and errors. */
function toReplyValues(replies: readonly Reply[]): readonly unknown[] {
  return [
    replies.map(({ commandId }) => commandId),
    replies.map(({ value }) => value ?? null),
    replies.map(({ error }) => (error === undefined ? null : JSON.stringify(error))),
  ]
}
