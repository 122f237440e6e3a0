import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { POST, POST_ENDS } from '../../src/store/postgres/sql/inbox.ts'
import { FIND_WAITING, HAND_BACK, RENEW_ORDERS } from '../../src/store/postgres/sql/orders.ts'
import { SET_SESSION } from '../../src/store/postgres/sql/session.ts'
import type { Statement } from '../../src/store/postgres/sql/statement.ts'
import { LIST_CANDIDATES, TAKE_CHOSEN, TAKE_FREELY } from '../../src/store/postgres/sql/take.ts'
import { createDatabase, isPostgresMissing } from '../support/postgres.ts'
import { afterTest, openHere } from './postgres-rig.ts'

// A statement of orders does work in proportion to its orders, however many others there are, and whatever the planner knows of the
// table when it plans the statement.

const KEY_COUNT = 64
const WAITING_COUNT = 20_000
const HELD_COUNT = 2000

const repeat = <T>(value: T): T[] => Array.from({ length: KEY_COUNT }, () => value)
const name = (at: number): string => `"t${at}"`
const keys = [repeat('e1'), Array.from({ length: KEY_COUNT }, (_, at) => name(at)), repeat(1)]
const WORKER = '"w0"'

const STATEMENTS: Record<string, readonly [Statement, readonly unknown[]]> = {
  take: [TAKE_FREELY, [WORKER, 2 * KEY_COUNT + 16, 1000, KEY_COUNT]],
  'candidates of a take within limits': [LIST_CANDIDATES, [WORKER, KEY_COUNT]],
  'take within limits': [
    TAKE_CHOSEN,
    [WORKER, Array.from({ length: KEY_COUNT }, (_, at) => HELD_COUNT + 1 + at), 1000],
  ],
  post: [POST, [WORKER, ...keys, repeat(1), repeat('token'), repeat('{}'), repeat(null), repeat(null)]],
  'post of ends': [POST_ENDS, [WORKER, ...keys, repeat(1), repeat('settled'), repeat('{}')]],
  renew: [RENEW_ORDERS, [WORKER, ...keys, 1000]],
  'hand back': [HAND_BACK, [WORKER, ...keys, '{}']],
  'find waiting': [FIND_WAITING, keys],
}

/** The first worker holds the orders with the keys. Its other tools have no orders; one rare order waits behind all others. */
const FILL = `
  INSERT INTO dagstream.orders (execution, execution_id, task, attempt, tool, owner, rank, command, worker, lease_until, lease_ms)
  SELECT 1, 'e1', '"t' || n || '"', 1, '"common"', 'o', 0, '{}', '"w' || n / ${KEY_COUNT} || '"', now() + interval '1 h', 1000
  FROM generate_series(0, ${HELD_COUNT - 1}) AS n;
  INSERT INTO dagstream.orders (execution, execution_id, task, attempt, tool, owner, rank, command)
  SELECT 1, 'e2', '"t' || n || '"', 1, CASE n WHEN ${WAITING_COUNT} THEN '"rare"' ELSE '"common"' END, 'o', 0, '{}'
  FROM generate_series(1, ${WAITING_COUNT}) AS n;`

const JOIN = `
  INSERT INTO dagstream.member_tools (member, tool, limit_key)
  SELECT '${WORKER}', tool, tool FROM unnest('{"\\"common\\"","\\"rare\\"","\\"none\\""}'::text[]) AS tool`

interface PlanNode {
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Join Filter'?: number
  readonly Plans?: readonly PlanNode[]
}

/** Rows that the nodes of a plan returned or dropped. */
function countRows(node: PlanNode): number {
  const dropped = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Join Filter'] ?? 0)
  const own = (node['Actual Rows'] + dropped) * node['Actual Loops']
  return (node.Plans ?? []).reduce((sum, each) => sum + countRows(each), own)
}

/** Runs `call` in a transaction that leaves nothing. */
async function undone<T>(client: Client, call: () => Promise<T>): Promise<T> {
  await client.query('BEGIN')
  try {
    return await call()
  } finally {
    await client.query('ROLLBACK')
  }
}

async function connect(url: string): Promise<Client> {
  const client = new Client(url)
  await client.connect()
  afterTest(() => client.end())
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  await client.query(SET_SESSION, [rows[0]?.pid])
  return client
}

/** Plans all statements for the tables as they are. */
async function prepare(client: Client): Promise<void> {
  for (const [statement, values] of Object.values(STATEMENTS)) {
    await undone(client, () => client.query({ ...statement, values: [...values] }))
  }
}

/** By statement: the rows per key. */
async function measure(client: Client): Promise<Record<string, number>> {
  const found: Record<string, number> = {}
  for (const [title, [statement, values]] of Object.entries(STATEMENTS)) {
    const literals = values.map(toLiteral).join(', ')
    const text = `EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE ${statement.name}(${literals})`
    const { rows } = await undone(client, () => client.query<{ 'QUERY PLAN': readonly [{ Plan: PlanNode }] }>(text))
    found[title] = countRows(rows[0]?.['QUERY PLAN'][0].Plan as PlanNode) / KEY_COUNT
  }
  return found
}

function toLiteral(value: unknown): string {
  if (!Array.isArray(value)) return typeof value === 'number' ? String(value) : `'${String(value)}'`
  return `ARRAY[${value.map(each => (each === null ? 'NULL' : toLiteral(each))).join(',')}]`
}

describe.skipIf(isPostgresMissing)('with 22,000 orders', () => {
  test('a statement of 64 orders reads about as many rows, whenever it was planned', async () => {
    const url = await createDatabase()
    await openHere(url)
    const filler = await connect(url)
    await filler.query(JOIN)
    const [early, late, informed] = [await connect(url), await connect(url), await connect(url)]
    await prepare(early)
    await filler.query(FILL)
    await prepare(late)
    const found = { early: await measure(early), late: await measure(late) }
    await filler.query('ANALYZE')
    await prepare(informed)
    for (const [when, counts] of Object.entries({ ...found, informed: await measure(informed) })) {
      for (const [title, perKey] of Object.entries(counts)) expect(perKey, `${title}, ${when}`).toBeLessThan(100)
    }
  })
})
