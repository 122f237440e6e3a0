import type { AttemptMessage, CommandMessage, Inbox, InboxMessage, Reply } from '../../../cluster/inbox.ts'
import type { Hint } from '../../../cluster/shared-store.ts'
import { DagstreamError } from '../../../errors.ts'
import { parseJson } from '../../../json/parse-json.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import type { Database, Row } from '../database.ts'
import { notFound } from '../event-table.ts'
import { FIND_REPLY, LIST_WAITING, POST, READ_INBOX, SEND, WAS_POSTED } from '../sql/inbox.ts'
import { toCount } from '../stored-text.ts'
import { readKey, toKeyValues } from './keys.ts'

/** Maximum size of one post, characters. The database cuts the connection of a statement of 1 GiB. */
const MAX_POST = 128 * 1024 * 1024

/** The durable messages to coordinators. */
export class MessageTable implements Inbox {
  readonly #database: Database
  readonly #publish: (hint: Hint) => void

  constructor(database: Database, publish: (hint: Hint) => void) {
    this.#database = database
    this.#publish = publish
  }

  async post(workerId: string, messages: readonly AttemptMessage[]): Promise<readonly boolean[]> {
    if (messages.length === 0) return []
    const { accepted, freesPermit } = await this.#database.retry(async query => {
      const rows = await query(POST, [workerId, ...toMessageValues(messages), ...toNewsValues(messages)])
      const isHeld = rows.map(row => row['is_held'] === true)
      const left = messages.filter((_, at) => !isHeld[at])
      const found = left.length === 0 ? [] : await query(WAS_POSTED, toMessageValues(left))
      const wasPosted = new Set(left.filter((_, at) => found[at]?.['was_posted'] === true))
      return {
        accepted: messages.map((message, at) => isHeld[at] === true || wasPosted.has(message)),
        freesPermit: rows[0]?.['frees_permit'] === true,
      }
    })
    const touched = messages.filter((_, at) => accepted[at])
    for (const { key } of touched) this.#publish({ kind: 'inbox', executionId: key.executionId })
    if (freesPermit) this.#publish({ kind: 'orders' })
    return accepted
  }

  async send(command: CommandMessage): Promise<void> {
    const { executionId, commandId, news } = command
    const [row] = await this.#database.query(SEND, [executionId, commandId, stringifyJson(news)])
    if (row === undefined) throw notFound(executionId)
    if (row['has_ended'] === true && row['is_known'] !== true) {
      throw new DagstreamError('EXECUTION_ENDED', `Execution \`${executionId}\` has ended`)
    }
    this.#publish({ kind: 'inbox', executionId })
  }

  async read(executionIds: readonly string[], limit: number): Promise<ReadonlyMap<string, readonly InboxMessage[]>> {
    const found = new Map<string, InboxMessage[]>()
    for (const row of await this.#database.query(READ_INBOX, [executionIds, toCount(limit)])) {
      const executionId = row['execution_id'] as string
      const own = found.get(executionId) ?? []
      own.push({ id: String(row['number']), message: readMessage(row) })
      found.set(executionId, own)
    }
    return found
  }

  async listWaiting(holder: string): Promise<readonly string[]> {
    return (await this.#database.query(LIST_WAITING, [holder])).map(({ id }) => id as string)
  }

  async findReply(commandId: string): Promise<Reply | undefined> {
    const [row] = await this.#database.query(FIND_REPLY, [commandId])
    if (row === undefined) return undefined
    if (row['is_replied'] !== true) {
      const message = `Execution \`${String(row['execution_id'])}\` has ended`
      return { commandId, error: { code: 'EXECUTION_ENDED', message } }
    }
    const { value, error } = row
    return {
      commandId,
      ...(typeof error === 'string' && { error: JSON.parse(error) as NonNullable<Reply['error']> }),
      ...(typeof value === 'string' && { value }),
    }
  }
}

/** Keys and numbers. */
function toMessageValues(messages: readonly AttemptMessage[]): readonly unknown[] {
  return [...toKeyValues(messages.map(({ key }) => key)), messages.map(({ number }) => number)]
}

/** @throws `RangeError` beyond the bound */
function toNewsValues(messages: readonly AttemptMessage[]): readonly unknown[] {
  const news = messages.map(each => each.news)
  const bodies = news.map(each => stringifyJson(each))
  const size = bodies.reduce((sum, body) => sum + body.length, 0)
  if (size > MAX_POST) throw new RangeError(`expected messages of at most ${MAX_POST} characters, got ${size}`)
  return [
    news.map(({ type }) => type),
    bodies,
    news.map(each => (each.type === 'question' ? stringifyJson(each.question) : null)),
    news.map(each => (each.type === 'usage' ? stringifyJson(each.usage) : null)),
  ]
}

function readMessage(row: Row): InboxMessage['message'] {
  const news = readNews(row)
  if (row['command'] !== null) {
    return { commandId: row['command'], executionId: row['execution_id'], news } as CommandMessage
  }
  const key = readKey(row)
  // The number of a message of the store itself is absent.
  return (row['message'] === null ? { key, news } : { key, number: Number(row['message']), news }) as AttemptMessage
}

/** What is larger than the bound, is not JSON or is not of its kind becomes news without content, which their reader refuses. */
function readNews({ body, kind }: Row): unknown {
  try {
    const news = parseJson(body as string) as Readonly<Record<string, unknown>>
    if (kind === 'command' || news['type'] === kind) return news
  } catch {
    // Below.
  }
  return { type: kind }
}
