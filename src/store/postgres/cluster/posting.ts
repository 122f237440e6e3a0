import type { AttemptMessage } from '../../../cluster/inbox.ts'
import type { Hint } from '../../../cluster/shared-store.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import type { Call } from '../connection/batch.ts'
import type { Query, Row } from '../connection/database.ts'
import { POST, POST_ENDS, WAS_POSTED } from '../sql/inbox.ts'
import { toKeyValues } from './keys.ts'

/** Maximum size of one post, characters. The database cuts the connection of a statement of 1 GiB. */
const MAX_POST = 128 * 1024 * 1024

/** What became of messages. */
export interface Posted {
  /** For each message whether it was accepted, now or before. */
  readonly accepted: readonly boolean[]
  /** Whether an order that a limit held back may be taken now. */
  readonly freesPermit: boolean
}

/** The statement that posts messages of a worker. @throws `RangeError` beyond the bound */
export function toPost(workerId: string, messages: readonly AttemptMessage[]): Call {
  const values = [workerId, ...toMessageValues(messages), ...toBodies(messages)]
  if (messages.every(({ news }) => news.type === 'settled')) return { statement: POST_ENDS, values }
  return { statement: POST, values: [...values, ...toOrderNotes(messages)] }
}

/** Who is to look for the messages. */
export function toHints(messages: readonly AttemptMessage[]): readonly Hint[] {
  const executionIds = new Set(messages.map(({ key }) => key.executionId))
  return Array.from(executionIds, executionId => ({ kind: 'inbox', executionId }))
}

/** @param rows of the statement that posted the messages */
export async function readPosted(
  query: Query,
  messages: readonly AttemptMessage[],
  rows: readonly Row[],
): Promise<Posted> {
  const isHeld = rows.map(row => row['is_held'] === true)
  const left = messages.filter((_, at) => !isHeld[at])
  const found = left.length === 0 ? [] : await query(WAS_POSTED, toMessageValues(left))
  const wasPosted = new Set(left.filter((_, at) => found[at]?.['was_posted'] === true))
  return {
    accepted: messages.map((message, at) => isHeld[at] === true || wasPosted.has(message)),
    freesPermit: rows[0]?.['frees_permit'] === true,
  }
}

/** Keys and numbers. */
function toMessageValues(messages: readonly AttemptMessage[]): readonly unknown[] {
  return [...toKeyValues(messages.map(({ key }) => key)), messages.map(({ number }) => number)]
}

/** Kinds and bodies. */
function toBodies(messages: readonly AttemptMessage[]): readonly unknown[] {
  const bodies = messages.map(({ news }) => stringifyJson(news))
  const size = bodies.reduce((sum, body) => sum + body.length, 0)
  if (size > MAX_POST) throw new RangeError(`expected messages of at most ${MAX_POST} characters, got ${size}`)
  return [messages.map(({ news }) => news.type), bodies]
}

/** Questions and usage, which are noted with the order. */
function toOrderNotes(messages: readonly AttemptMessage[]): readonly unknown[] {
  const news = messages.map(each => each.news)
  return [
    unlessEmpty(news.map(each => (each.type === 'question' ? stringifyJson(each.question) : null))),
    unlessEmpty(news.map(each => (each.type === 'usage' ? stringifyJson(each.usage) : null))),
  ]
}

/** A column without a value need not be sent. */
function unlessEmpty(values: readonly (string | null)[]): readonly (string | null)[] {
  return values.every(value => value === null) ? [] : values
}
