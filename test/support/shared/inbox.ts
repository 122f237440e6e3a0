import type { AttemptMessage, CommandMessage, Inbox, InboxMessage, Reply } from '../../../src/cluster/inbox.ts'
import { DagstreamError } from '../../../src/errors.ts'
import { copyJson, executionOf, keyOf, nameOf, type SharedTables } from './tables.ts'

/** The inbox of the store in memory. */
export class MemoryInbox implements Inbox {
  readonly #tables: SharedTables

  constructor(tables: SharedTables) {
    this.#tables = tables
  }

  async post(workerId: string, messages: readonly AttemptMessage[]): Promise<readonly boolean[]> {
    return messages.map(message => this.#post(workerId, copyJson(message)))
  }

  #post(workerId: string, { key, number, news }: AttemptMessage): boolean {
    const row = this.#tables.orders.get(nameOf(key))
    // A repetition of the last message of an attempt.
    if (row === undefined) return this.#hasUnread(nameOf(key), number)
    if (row.worker !== workerId) return false
    if (number <= row.lastNumber) return true
    row.lastNumber = number
    if (news.type === 'settled') {
      row.lastNumber = number - 1
      this.#tables.end(row, news)
      return true
    }
    if (news.type === 'usage') row.usage = news.usage
    if (news.type === 'question') {
      row.questions.set(news.question.number, news.question)
      row.isDetached = true
      this.#tables.publish({ kind: 'orders' })
    }
    this.#tables.addMessage({ key: keyOf(key), number, news })
    return true
  }

  #hasUnread(name: string, number: number): boolean {
    for (const { message } of this.#tables.messages.values()) {
      if ('number' in message && message.number >= number && nameOf(message.key) === name) return true
    }
    return false
  }

  async send(command: CommandMessage): Promise<void> {
    const { executionId, commandId } = command
    const { executions, commands } = this.#tables
    if (commands.has(commandId)) return
    const stored = await executions.get(executionId)
    if (stored === undefined) {
      throw new DagstreamError('EXECUTION_NOT_FOUND', `There is no execution \`${executionId}\``)
    }
    if (stored.status !== 'running') {
      throw new DagstreamError('EXECUTION_ENDED', `Execution \`${executionId}\` has ended`)
    }
    commands.add(commandId)
    this.#tables.addMessage(copyJson(command))
  }

  async read(executionIds: readonly string[], limit: number): Promise<ReadonlyMap<string, readonly InboxMessage[]>> {
    const found = new Map<string, InboxMessage[]>()
    for (const each of this.#tables.messages.values()) {
      const executionId = executionOf(each.message)
      if (!executionIds.includes(executionId)) continue
      const own = found.get(executionId) ?? []
      if (own.length < limit) own.push(copyJson(each))
      found.set(executionId, own)
    }
    return found
  }

  async listWaiting(holder: string): Promise<readonly string[]> {
    const waiting = new Set([...this.#tables.messages.values()].map(({ message }) => executionOf(message)))
    return [...waiting].filter(executionId => this.#tables.holders.get(executionId)?.holder === holder)
  }

  async findReply(commandId: string): Promise<Reply | undefined> {
    return this.#tables.replies.get(commandId)
  }
}
