import type { AbortReason, AttemptKey, Question } from '../../../attempt/runner.ts'
import type {
  NumberedAnswer,
  OpenOrder,
  OrderSource,
  RenewedOrders,
  TakenOrder,
  WaitingOrders,
} from '../../../cluster/order.ts'
import type { Hint } from '../../../cluster/shared-store.ts'
import type { TokenUsage } from '../../../events/token-usage.ts'
import { parseJson } from '../../../json/parse-json.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import type { Database, Row } from '../connection/database.ts'
import {
  CANCEL,
  COUNT_WAITING,
  FIND_WAITING,
  FORGET_UNCLAIMED,
  HAND_BACK,
  INTERRUPT,
  INTERRUPT_EXPIRED,
  LIST_ORDERS,
  LOCK_ORDER,
  REFUSE_UNCLAIMED,
  RENEW_ORDERS,
  REPORT_UNCLAIMED,
  SET_ANSWERS,
} from '../sql/orders.ts'
import type { Statement } from '../sql/statement.ts'
import { fromStored, toAgeMs, toStored } from '../stored-text.ts'
import { nameOf, readKey, toKeyValues } from './keys.ts'
import type { OrderTake } from './order-take.ts'

/** The last message of an order that was cancelled before its attempt began. */
const CANCELLED = stringifyJson({ type: 'settled', report: { status: 'cancelled', executionTimeMs: 0 } })
/** The messages of interruptions, up to the usage that the order has. */
const LOST = '{"type":"interrupted","cause":"lost"'
const HANDED_OFF = '{"type":"interrupted","cause":"handoff"'

/** The orders of all executions. */
export class OrderTable implements OrderSource {
  readonly #database: Database
  readonly #publish: (hint: Hint) => void
  readonly #dropExpired: () => Promise<void>
  readonly #take: OrderTake

  /** @param dropExpired removes members whose time is over, so that their limits count no more */
  constructor(database: Database, take: OrderTake, publish: (hint: Hint) => void, dropExpired: () => Promise<void>) {
    this.#database = database
    this.#publish = publish
    this.#dropExpired = dropExpired
    this.#take = take
  }

  async take(workerId: string, free: number, ttlMs: number): Promise<readonly TakenOrder[]> {
    return free < 1 ? [] : this.#take.take(workerId, Math.floor(free), ttlMs)
  }

  async findWaiting(keys: readonly AttemptKey[]): Promise<readonly AttemptKey[]> {
    return keys.length === 0 ? [] : (await this.#database.query(FIND_WAITING, toKeyValues(keys))).map(readKey)
  }

  renew(workerId: string, keys: readonly AttemptKey[], ttlMs: number): Promise<RenewedOrders> {
    return this.#database.retry(async query => {
      const rows = keys.length === 0 ? [] : await query(RENEW_ORDERS, [workerId, ...toKeyValues(keys), ttlMs])
      return readRenewed(keys, rows)
    })
  }

  async handBack(workerId: string, keys: readonly AttemptKey[]): Promise<void> {
    this.#publishEnds(await this.#database.query(HAND_BACK, [workerId, ...toKeyValues(keys), CANCELLED]))
    this.#publish({ kind: 'orders' })
  }

  async interrupt(workerId: string, keys: readonly AttemptKey[]): Promise<void> {
    this.#publishEnds(await this.#database.query(INTERRUPT, [workerId, ...toKeyValues(keys), HANDED_OFF]))
  }

  async cancel({ executionId, taskId, attempt }: AttemptKey, reason: AbortReason): Promise<void> {
    const values = [executionId, toStored(taskId), attempt, stringifyJson(reason), CANCELLED]
    const [row] = await this.#database.query(CANCEL, values)
    if (row === undefined) return
    if (row['worker'] === null) this.#publishEnds([{ execution_id: executionId }])
    else this.#publish({ kind: 'worker', workerId: row['worker'] as string })
  }

  async answer({ executionId, taskId, attempt }: AttemptKey, answers: readonly NumberedAnswer[]): Promise<void> {
    const workerId = await this.#database.transaction(async query => {
      const [row] = await query(LOCK_ORDER, [executionId, toStored(taskId), attempt])
      if (row === undefined) return null
      const open = new Map(readQuestions(row).map(question => [question.number, question]))
      const kept = [...(row['answers'] as readonly string[])]
      for (const { number, answer } of answers) if (open.delete(number)) kept.push(stringifyJson({ number, answer }))
      await query(SET_ANSWERS, [row['number'], [...open.values()].map(each => stringifyJson(each)), kept])
      return row['worker'] as string | null
    })
    if (workerId !== null) this.#publish({ kind: 'worker', workerId })
  }

  async list(executionId: string): Promise<readonly OpenOrder[]> {
    const rows = await this.#database.query(LIST_ORDERS, [executionId])
    return rows.map(row => ({
      key: readKey({ ...row, execution_id: executionId }),
      questions: readQuestions(row),
      ...readUsage(row),
    }))
  }

  async interruptExpired(): Promise<number> {
    const rows = await this.#database.query(INTERRUPT_EXPIRED, [LOST, toAgeMs(this.#database.connectedMs)])
    this.#publishEnds(rows)
    return rows.length
  }

  async refuseUnclaimed(toolsWaitMs: number): Promise<number> {
    await this.#dropExpired()
    const message = `No worker has had the tool \`\u0000\` for ${toolsWaitMs} ms`
    const failure = { status: 'error', code: 'TOOLS_UNAVAILABLE', message, isRetryable: false, executionTimeMs: 0 }
    // The name of each order's tool comes between.
    const [before, behind] = stringifyJson({ type: 'settled', report: failure }).split(
      stringifyJson('\u0000').slice(1, -1),
    )
    await this.#database.query(FORGET_UNCLAIMED)
    const reported = await this.#database.query(REPORT_UNCLAIMED)
    const refused = await this.#database.query(REFUSE_UNCLAIMED, [toAgeMs(toolsWaitMs), before, behind])
    for (const row of reported) this.#publish({ kind: 'inbox', executionId: row['execution_id'] as string })
    this.#publishEnds(refused)
    return refused.length
  }

  async countWaiting(): Promise<readonly WaitingOrders[]> {
    const rows = await this.#database.query(COUNT_WAITING satisfies Statement)
    return rows.map(({ tool, count, oldest_ms }) => ({
      tool: fromStored(tool),
      count: count as number,
      oldestMs: oldest_ms as number,
    }))
  }

  /** Orders have ended: their messages wait, and their permits are free. */
  #publishEnds(rows: readonly Row[]): void {
    for (const row of rows) this.#publish({ kind: 'inbox', executionId: row['execution_id'] as string })
    if (rows.length > 0) this.#publish({ kind: 'orders' })
  }
}

/** The result of a renewal of these keys from the rows that were renewed. */
export function readRenewed(keys: readonly AttemptKey[], rows: readonly Row[]): RenewedOrders {
  const held = new Map(rows.map(row => [nameOf(readKey(row)), row['cancelled'] as string | null]))
  const lost: AttemptKey[] = []
  const cancelled: { key: AttemptKey; reason: AbortReason }[] = []
  for (const { executionId, taskId, attempt } of keys) {
    const key = { executionId, taskId, attempt }
    const reason = held.get(nameOf(key))
    if (reason === undefined) lost.push(key)
    else if (reason !== null) cancelled.push({ key, reason: JSON.parse(reason) as AbortReason })
  }
  return { lost, cancelled }
}

/** What is not JSON is left out: a takeover must not fail because of it. */
function readQuestions(row: Row): readonly Question[] {
  return (row['questions'] as readonly string[]).flatMap(json => readJson(json)) as readonly Question[]
}

function readUsage(row: Row): { readonly usage?: TokenUsage } {
  const [usage] = typeof row['usage'] === 'string' ? readJson(row['usage']) : []
  return usage === undefined ? {} : { usage: usage as TokenUsage }
}

function readJson(json: string): readonly unknown[] {
  try {
    return [parseJson(json)]
  } catch {
    return []
  }
}
