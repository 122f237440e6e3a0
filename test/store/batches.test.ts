import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Call, runBatch } from '../../src/store/postgres/connection/batch.ts'
import { loadDriver } from '../../src/store/postgres/connection/load-driver.ts'
import { SET_SESSION } from '../../src/store/postgres/sql/session.ts'
import { statement } from '../../src/store/postgres/sql/statement.ts'
import { createEmptyDatabase, isPostgresMissing, urlOf } from '../support/postgres.ts'
import { Proxy } from '../support/proxy.ts'
import { afterTest } from './postgres-rig.ts'

// Statements that are sent in one write. A batch either took effect as a whole or failed, and its connection is as good as new or closed.

const ADD = statement('test_add', 'INSERT INTO things (name, size) VALUES ($1, $2) RETURNING name')
const add = (name: unknown, size: unknown = 1): Call => ({ statement: ADD, values: [name, size] })
const call = (name: string, text: string, values: readonly unknown[] = []): Call => ({
  statement: statement(`test_${name}`, text),
  values,
})
const NOTIFY = call('notify', 'SELECT pg_notify($1, $2)', ['things', 'x'])
/** Bytes of the message `ReadyForQuery`. */
const READY_SIZE = 6

const FAILING = {
  'a value that is too large': add('large', 2 ** 40),
  'a value that cannot be': call('divide', 'SELECT 1 / $1::int', [0]),
  'a statement that cannot be': call('unknown', 'SELECT unknown'),
  'a statement that lasts too long': call('slow', 'SELECT pg_sleep(10)'),
  'a session that is ended': call('end', 'SELECT pg_terminate_backend(pg_backend_pid())'),
  'a value that the driver cannot write': add({
    toPostgres() {
      throw new RangeError('Invalid string length')
    },
  }),
  'a name that means another statement': { statement: { name: ADD.name, text: 'SELECT 1' }, values: [] },
} satisfies Record<string, Call>

describe.skipIf(isPostgresMissing)('a batch', () => {
  let url: string
  let beside: pg.Client

  beforeAll(async () => {
    url = await createEmptyDatabase()
    beside = new pg.Client(url)
    await beside.connect()
    await beside.query('CREATE TABLE things (name text PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, size int)')
  })
  afterEach(async () => void (await beside.query('TRUNCATE things')))
  afterAll(() => beside?.end())

  function openPool(options: pg.PoolConfig = {}): pg.Pool {
    const pool = new pg.Pool({ connectionString: url, query_timeout: 30_000, idleTimeoutMillis: 0, ...options })
    pool.on('error', () => {})
    pool.on('connect', client => void client.on('error', () => {}))
    afterTest(() => pool.end())
    return pool
  }
  const names = async (): Promise<readonly unknown[]> =>
    (await beside.query('SELECT name FROM things ORDER BY name')).rows.map(({ name }) => name as unknown)
  const run = async (pool: pg.Pool, calls: readonly Call[], after?: Call): Promise<readonly unknown[]> =>
    (await runBatch(pg, pool, calls, after)).map(({ rows }) => rows as unknown)
  /** The sessions of the database beside that which asks. */
  const states = async (): Promise<readonly unknown[]> =>
    (
      await beside.query(
        'SELECT state FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      )
    ).rows.map(({ state }) => state as unknown)

  test('gives the rows of each statement, in order, also the first time and with nothing to send', async () => {
    const pool = openPool({ max: 1 })
    const two = call('two', 'SELECT $1::int + place AS sum FROM unnest($2::int[]) AS each (place)', [1, [2, 3]])
    for (const after of [undefined, NOTIFY]) {
      await beside.query('TRUNCATE things')
      expect(await run(pool, [add('a'), two, two, add('b')], after)).toEqual([
        [{ name: 'a' }],
        [{ sum: 3 }, { sum: 4 }],
        [{ sum: 3 }, { sum: 4 }],
        [{ name: 'b' }],
      ])
      expect(await run(pool, [{ ...two, values: [1, []] }], after)).toEqual([[]])
    }
    expect(await names()).toEqual(['a', 'b'])
  })

  test.each(Object.entries(FAILING))('takes no effect with %s, wherever it stands', async (_, failing) => {
    const pool = openPool({ max: 1, options: '-c statement_timeout=100' })
    for (const after of [undefined, NOTIFY]) {
      for (const calls of [
        [failing, add('b'), add('c')],
        [add('a'), failing, add('c')],
        [add('a'), add('b'), failing],
      ]) {
        await expect(run(pool, calls, after)).rejects.toThrow()
        expect(await run(pool, [call('one', 'SELECT 1 AS one')])).toEqual([[{ one: 1 }]])
        expect([await names(), pool.totalCount, pool.idleCount]).toEqual([[], 1, 1])
      }
    }
    await vi.waitFor(async () => expect(await states()).toEqual(['idle']))
  })

  test('that fails at its end took no effect, and what follows it is not sent', async () => {
    const pool = openPool({ max: 1 })
    for (const after of [undefined, call('after', `INSERT INTO things VALUES ('after', 1)`)]) {
      await expect(run(pool, [add('a'), add('a')], after)).rejects.toMatchObject({ code: '23505' })
      expect(await names()).toEqual([])
    }
  })

  test.each(Object.entries(FAILING).slice(0, 5))('took effect when %s follows it', async (_, failing) => {
    const pool = openPool({ max: 1, options: '-c statement_timeout=100' })
    expect(await run(pool, [add('a'), add('b')], failing)).toEqual([[{ name: 'a' }], [{ name: 'b' }]])
    expect(await names()).toEqual(['a', 'b'])
    expect(await run(pool, [add('c')])).toEqual([[{ name: 'c' }]])
  })

  test('took effect when its connection is lost behind the answer to its `COMMIT`', async () => {
    const proxy = await Proxy.open(Number(new URL(url).port))
    afterTest(async () => proxy.close())
    // Answers pass without the message that the server is ready for the next statement.
    let isBatch = false
    proxy.createFilter = () => ({
      fromClient: piece => {
        isBatch ||= piece.includes('dagstream_commit_batch')
        return piece
      },
      fromServer: piece => (isBatch ? piece.subarray(0, -READY_SIZE) : piece),
    })
    const pool = openPool({ connectionString: urlOf(proxy, new URL(url).pathname.slice(1)), max: 1 })
    pool.on('connect', client => {
      const { connection } = client as unknown as { readonly connection: pg.Connection }
      let count = 0
      connection.on('commandComplete', () => (count += 1) === 4 && connection.stream.destroy())
    })
    expect(await run(pool, [add('a')], NOTIFY)).toEqual([[{ name: 'a' }]])
    expect(await names()).toEqual(['a'])
  })

  test('whose answer the driver cannot read fails with the error of the driver', async () => {
    const pool = openPool({ max: 1 })
    const parse = pg.types.getTypeParser(23)
    pg.types.setTypeParser(23, () => {
      throw new SyntaxError('Unreadable')
    })
    try {
      await expect(run(pool, [add('a'), call('int', 'SELECT 1 AS one'), add('b')], NOTIFY)).rejects.toThrow(
        'Unreadable',
      )
    } finally {
      pg.types.setTypeParser(23, parse)
    }
    expect(await run(pool, [call('int', 'SELECT 1 AS one')])).toEqual([[{ one: 1 }]])
  })

  test('that the network has cut keeps its locks for less than half a minute', async () => {
    const pool = openPool({ max: 1 })
    const [[own]] = (await run(pool, [call('pid', 'SELECT pg_backend_pid() AS pid')])) as [[{ pid: number }]]
    await pool.query(SET_SESSION, [own.pid])
    const probes = `SELECT setting FROM pg_settings WHERE name LIKE 'tcp_keepalives_%' ORDER BY name`
    const settings = [{ setting: '3' }, { setting: '10' }, { setting: '5' }]
    expect(await run(pool, [call('probes', probes)])).toEqual([settings])
  })

  test('leaves no timer, and one without an answer ends in time', async () => {
    const pool = openPool({ max: 1, query_timeout: 100 })
    const timerCount = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    await run(pool, [add('a')])
    const before = timerCount()
    for (const name of ['b', 'c', 'd']) await run(pool, [add(name)], NOTIFY)
    expect(timerCount()).toBeLessThanOrEqual(before)
    await expect(run(pool, [add('e'), call('sleep', 'SELECT pg_sleep(0.3)')], NOTIFY)).rejects.toThrow('read timeout')
    expect(await run(pool, [add('f')])).toEqual([[{ name: 'f' }]])
    expect(pool.totalCount).toBe(1)
  })

  test.each([1, 2, 10])('does not meet others on a pool of %i', async max => {
    const pool = openPool({ max })
    const many = Array.from({ length: 60 }, (_, at) => at)
    const found = await Promise.allSettled(
      many.map(at =>
        run(pool, at % 10 === 9 ? [add(`a${at}`), add('large', 2 ** 40)] : [add(`a${at}`), add(`b${at}`)], NOTIFY),
      ),
    )
    const right = many.filter(at => at % 10 !== 9)
    expect(found.flatMap(each => (each.status === 'fulfilled' ? [each.value] : []))).toEqual(
      right.map(at => [[{ name: `a${at}` }], [{ name: `b${at}` }]]),
    )
    expect(await names()).toEqual(right.flatMap(at => [`a${at}`, `b${at}`]).sort())
    expect(pool.totalCount).toBeLessThanOrEqual(max)
    await vi.waitFor(async () => expect((await states()).filter(state => state !== 'idle')).toEqual([]))
  })
})

test('a driver that exports nothing but its default is understood', async () => {
  vi.doMock('pg', () => ({ default: pg }))
  onTestFinished(() => {
    vi.doUnmock('pg')
  })
  expect((await loadDriver()).Client).toBe(pg.Client)
})
