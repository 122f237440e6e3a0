import type { AttemptMessage, CommandMessage, Inbox, InboxMessage, Reply } from '../../../cluster/inbox.ts'
import { DagstreamError } from '../../../errors.ts'
import { parseJson } from '../../../json/parse-json.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import type { HintChannel } from './hint-channel.ts'
import type { Database, Row } from '../connection/database.ts'
import { notFound } from '../event-table.ts'
import { FIND_REPLY, LIST_WAITING, READ_INBOX, SEND } from '../sql/inbox.ts'
import { toCount } from '../stored-text.ts'
import { readKey } from './keys.ts'
import { readPosted, toHints, toPost } from './posting.ts'

/** The durable messages to coordinators. */
export class MessageTable implements Inbox {
  readonly #database: Database
  readonly #hints: Pick<HintChannel, 'publish' | 'carry'>

  constructor(database: Database, hints: Pick<HintChannel, 'publish' | 'carry'>) {
    this.#database = database
    this.#hints = hints
  }

  async post(workerId: string, messages: readonly AttemptMessage[]): Promise<readonly boolean[]> {
    if (messages.length === 0) return []
    const { accepted, freesPermit } = await this.#hints.carry(toHints(messages), after =>
      this.#database.retry(async (query, _, batch) => {
        const [rows = []] = await batch([toPost(workerId, messages)], after)
        return readPosted(query, messages, rows)
      }),
    )
    if (freesPermit) this.#hints.publish({ kind: 'orders' })
    return accepted
  }

  async send(command: CommandMessage): Promise<void> {
    const { executionId, commandId, news } = command
    const [row] = await this.#database.query(SEND, [executionId, commandId, stringifyJson(news)])
    if (row === undefined) throw notFound(executionId)
    if (row['has_ended'] === true && row['is_known'] !== true) {
      throw new DagstreamError('EXECUTION_ENDED', `Execution \`${executionId}\` has ended`)
    }
    this.#hints.publish({ kind: 'inbox', executionId })
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
