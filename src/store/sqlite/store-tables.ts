import { recordUnusable } from '../../errors.ts'
import type { Parked } from '../../events/events.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { StoredEntry } from '../../log/stored-entry.ts'
import { type ExecutionSummary, summarize } from '../execution-summary.ts'
import type { ExecutionRecord, StoredExecution } from '../execution-store.ts'
import { advanceStatus, changesStatus, describeUnusable, type UnfinishedStatus } from '../unfinished-status.ts'
import type { SqliteConnection } from './driver.ts'
import { readExecutionRow } from './execution-row.ts'
import { type Row, selectText, type SqlValue } from './rows.ts'
import { toText } from './stored-owner.ts'

type Command = ReturnType<SqliteConnection['command']>
type Query = ReturnType<SqliteConnection['query']>

/** The row number, epoch and last seq of an execution. */
export interface RowRef {
  readonly number: number
  epoch: number
  lastSeq: number
}

/** The highest seq that fits a place. */
const MAX_SEQ = 2 ** 32 - 1

/** Replaces larger limits, such as `Infinity`, by an integer. */
const MAX_LIMIT = 2 ** 31

const HEAD = 'id, owner, idempotency_key, request_hash, created_at, status, notes'
const READ_HEAD: string = `number, ${selectText(...HEAD.split(', '))}`
const WHOLE: string = `SELECT ${READ_HEAD}, ${selectText('workflow', 'input', 'options')} FROM executions LEFT JOIN requests ON execution = number`

/** Number of events per multi-row `INSERT`: a third less work than single rows. */
const ROWS_AT_ONCE = 8

/** Computes an event's place. Bit operations treat their operands as integers, whatever type was bound. */
const PLACE = '(? << 32 | ?)'

/** Access to the tables of a store's file. Validates nothing and begins no transaction. */
export class StoreTables {
  readonly #findRow: Query
  readonly #lastSeq: Query
  readonly #insert: Command
  readonly #insertRequest: Command
  readonly #find: Query
  readonly #findByKey: Query
  readonly #list: Query
  readonly #listOfOwner: Query
  readonly #unfinished: Query
  readonly #setEpoch: Command
  readonly #status: Query
  readonly #setStatus: Command
  readonly #lastParked: Query
  readonly #end: Command
  readonly #append: Command
  readonly #appendRows: Command
  readonly #read: Query
  readonly #putOutput: Command
  readonly #getOutput: Query
  readonly #findRequest: Query
  readonly #findStart: Query
  readonly #findEnd: Query

  constructor(connection: SqliteConnection) {
    const command = (sql: string): Command => connection.command(sql)
    const query = (sql: string): Query => connection.query(sql)
    const order = 'ORDER BY executions.created_at, executions.id'
    const page = `(created_at, id) > (?, ?) ${order} LIMIT ?`
    this.#findRow = query('SELECT number, epoch FROM executions WHERE id = ?')
    this.#lastSeq = query(
      `SELECT place & ${MAX_SEQ} AS seq FROM events WHERE place > (? << 32) AND place < ((? + 1) << 32)
       ORDER BY place DESC LIMIT 1`,
    )
    this.#insert = command(
      `INSERT INTO executions (number, ${HEAD}, epoch) VALUES (
         max((SELECT coalesce(max(number), 0) FROM executions), (SELECT coalesce(max(execution), 0) FROM removals)) + 1,
         ?, ?, ?, ?, ?, 'running', NULL, 0)`,
    )
    this.#insertRequest = command(
      'INSERT INTO requests (execution, workflow, input, options) SELECT number, ?, ?, ? FROM executions WHERE id = ?',
    )
    this.#find = query(`${WHOLE} WHERE id = ?`)
    this.#findByKey = query(`${WHOLE} WHERE owner = ? AND idempotency_key = ?`)
    this.#list = query(`SELECT ${READ_HEAD} FROM executions WHERE ${page}`)
    this.#listOfOwner = query(`SELECT ${READ_HEAD} FROM executions WHERE owner = ? AND ${page}`)
    this.#unfinished = query(`SELECT ${READ_HEAD} FROM executions WHERE ended_at IS NULL AND epoch > 0 ${order}`)
    this.#setEpoch = command('UPDATE executions SET epoch = ? WHERE number = ?')
    this.#status = query(`SELECT ${selectText('status')} FROM executions WHERE number = ?`)
    this.#setStatus = command('UPDATE executions SET status = ? WHERE number = ?')
    // Only a resumption can follow this event, so the backward scan is short.
    this.#lastParked = query(
      `SELECT ${selectText('json')} FROM events WHERE place > (? << 32) AND place < ((? + 1) << 32) AND type = 'execution_parked'
       ORDER BY place DESC LIMIT 1`,
    )
    this.#end = command('UPDATE executions SET status = ?, ended_at = ? WHERE number = ?')
    const rows = (count: number): string => Array.from({ length: count }, () => `(${PLACE}, ?, ?)`).join(', ')
    this.#append = command(`INSERT INTO events (place, type, json) VALUES ${rows(1)}`)
    this.#appendRows = command(`INSERT INTO events (place, type, json) VALUES ${rows(ROWS_AT_ONCE)}`)
    this.#read = query(
      `SELECT place & ${MAX_SEQ} AS seq, ${selectText('type', 'json')} FROM events WHERE place > ${PLACE} AND place < ((? + 1) << 32)
       ORDER BY place LIMIT ?`,
    )
    this.#putOutput = command(
      `INSERT INTO outputs (execution, task, json) VALUES (?, ?, ?)
       ON CONFLICT (execution, task) DO UPDATE SET json = excluded.json`,
    )
    this.#getOutput = query(
      `SELECT ${selectText('json')} FROM outputs WHERE execution = (SELECT number FROM executions WHERE id = ?) AND task = ?`,
    )
    this.#findRequest = query(
      `SELECT number, ended_at, ${selectText('workflow')} FROM executions LEFT JOIN requests ON execution = number WHERE id = ?`,
    )
    // The first event names every task and may be long, so SQLite extracts the timestamp.
    this.#findStart = query(
      `SELECT CAST(CASE WHEN json_valid(json) THEN json ->> '$.timestamp' END AS BLOB) AS started_at
       FROM events WHERE place = ${PLACE}`,
    )
    this.#findEnd = query(
      `SELECT ${selectText('type', 'json')} FROM events WHERE place > (? << 32) AND place < ((? + 1) << 32) ORDER BY place DESC LIMIT 1`,
    )
  }

  readonly #show = (row: Row): StoredExecution =>
    readExecutionRow(row, number => {
      const json = this.#lastParked(number, number)[0]?.['json'] as string | undefined
      return json === undefined ? undefined : parseParked(json)
    })

  findRow(executionId: string): RowRef | undefined {
    const row = this.#findRow(executionId)[0]
    if (row === undefined) return undefined
    const number = row['number'] as number
    const lastSeq = (this.#lastSeq(number, number)[0]?.['seq'] as number | undefined) ?? 0
    return { number, epoch: row['epoch'] as number, lastSeq }
  }

  insert(record: ExecutionRecord): void {
    const { executionId, owner, idempotencyKey, requestHash, createdAt, workflow, input, options } = record
    this.#insert(executionId, toText(owner), toOptionalText(idempotencyKey), requestHash ?? null, createdAt)
    if ((workflow ?? input ?? options) === undefined) return
    this.#insertRequest(workflow ?? null, input ?? null, options ?? null, executionId)
  }

  find(executionId: string): StoredExecution | undefined {
    return this.#find(executionId).map(this.#show)[0]
  }

  findByKey(owner: string | undefined, idempotencyKey: string): StoredExecution | undefined {
    return this.#findByKey(toText(owner), JSON.stringify(idempotencyKey)).map(this.#show)[0]
  }

  /** Without `workflow`, `input` and `options`, which may be large. */
  list(
    owner: string | undefined,
    after: Pick<ExecutionRecord, 'createdAt' | 'executionId'> | undefined,
    limit: number,
  ): StoredExecution[] {
    const page = [after?.createdAt ?? '', after?.executionId ?? '', Math.min(limit, MAX_LIMIT)]
    return (owner === undefined ? this.#list(...page) : this.#listOfOwner(toText(owner), ...page)).map(this.#show)
  }

  /** Without `workflow`, `input` and `options`, which may be large. */
  listUnfinished(): StoredExecution[] {
    return this.#unfinished().map(this.#show)
  }

  /** Reads only the first and last event of its log, and its document. */
  summarize(executionId: string): ExecutionSummary {
    const row = this.#findRequest(executionId)[0]
    if (row === undefined) return {}
    const number = row['number'] as number
    const startedAt = this.#findStart(number, 1)[0]?.['started_at']
    const end = row['ended_at'] === null ? undefined : this.#findEnd(number, number)[0]
    const workflow = row['workflow']
    return summarize({
      ...(typeof workflow === 'string' && { workflow }),
      ...(typeof startedAt === 'string' && { startedAt }),
      ...(end?.['type'] === 'execution_complete' && { end: end['json'] as string }),
    })
  }

  setEpoch({ number, epoch }: RowRef): void {
    this.#setEpoch(epoch, number)
  }

  /** Updates the status of an unfinished execution from appended entries. */
  mark({ number }: RowRef, entries: readonly LogEntry[]): void {
    const changes = entries.filter(({ type }) => changesStatus(type))
    if (changes.length === 0) return
    const before = this.#status(number)[0]?.['status'] as UnfinishedStatus
    const after = changes.reduce((status, { type }) => advanceStatus(status, type), before)
    if (after !== before) this.#setStatus(after, number)
  }

  end({ number }: RowRef, status: StoredExecution['status'], endedAt: number): void {
    this.#end(status, endedAt, number)
  }

  append({ number }: RowRef, entries: readonly LogEntry[]): void {
    for (let at = 0; at < entries.length; ) {
      const isMany = entries.length - at >= ROWS_AT_ONCE
      const some = entries.slice(at, at + (isMany ? ROWS_AT_ONCE : 1))
      const values = some.flatMap(({ seq, type, json }) => [number, seq, type, json])
      if (isMany) this.#appendRows(...values)
      else this.#append(...values)
      at += some.length
    }
  }

  read(executionId: string, afterSeq: number, limit: number): StoredEntry[] {
    const number = this.#findRow(executionId)[0]?.['number'] as number | undefined
    if (number === undefined || afterSeq > MAX_SEQ) return []
    return this.#read(number, afterSeq, number, Math.min(limit, MAX_LIMIT)) as readonly unknown[] as StoredEntry[]
  }

  putOutput({ number }: RowRef, taskId: string, json: string): void {
    this.#putOutput(number, JSON.stringify(taskId), json)
  }

  getOutput(executionId: string, taskId: string): string | undefined {
    return this.#getOutput(executionId, JSON.stringify(taskId))[0]?.['json'] as string | undefined
  }
}

/** One damaged event must not make a list fail. */
function parseParked(json: string): Parked {
  try {
    const { code, message, tasks } = JSON.parse(json) as Parked
    return { code, message, tasks }
  } catch (error) {
    return describeUnusable(recordUnusable('The reason why an execution is parked is not JSON', error))
  }
}

function toOptionalText(text: string | undefined): SqlValue {
  return text === undefined ? null : JSON.stringify(text)
}
