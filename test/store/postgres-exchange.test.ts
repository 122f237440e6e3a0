import pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { Exchanged } from '../../src/cluster/shared-store.ts'
import type { PostgresStore } from '../../src/store/postgres/index.ts'
import {
  type Coordinated,
  coordinate,
  join,
  LONG_MS,
  makeMessages,
  namesOf,
  succeed,
} from '../../src/testing/shared-fixtures.ts'
import { createDatabase, isPostgresMissing } from '../support/postgres.ts'
import { createPostgresFilter, type Decide } from '../support/postgres-filter.ts'
import { Proxy } from '../support/proxy.ts'
import { afterTest, openHere } from './postgres-rig.ts'

interface Rig {
  readonly store: PostgresStore
  readonly wait: () => Promise<void>
  readonly proxy: Proxy
  /** A connection to the database that passes no proxy. */
  readonly beside: pg.Client
  readonly worker: string
  readonly execution: Coordinated
  /** What becomes of the statements of the store. */
  decide: Decide
  /** The result, as `true b c`. */
  exchange(taskIds: readonly string[], free: number): Promise<string>
}

/** A store behind a proxy, whose worker holds `a`, while `b` to `e` wait. */
async function openRig(limit?: number): Promise<Rig> {
  const url = new URL(await createDatabase())
  const beside = new pg.Client(url.href)
  await beside.connect()
  afterTest(() => beside.end())
  const proxy = await Proxy.open(Number(url.port))
  afterTest(async () => proxy.close())
  proxy.createFilter = () => createPostgresFilter((...given) => rig.decide(...given))
  url.port = String(proxy.port)
  const decide: Decide = () => 'pass'
  const rig = { decide } as Rig
  const own = { store: await openHere(url.href), wait: async () => {} }
  const execution = await coordinate(own)
  await execution.order('work', ['a', 'b', 'c', 'd', 'e'])
  const worker = await join(own, [{ name: 'work', ...(limit !== undefined && { limit }) }])
  expect(namesOf(await own.store.orders.take(worker, 1, LONG_MS))).toEqual(['a'])
  return Object.assign(rig, own, {
    proxy,
    beside,
    execution,
    worker,
    exchange: async (taskIds: readonly string[], free: number) => {
      const messages = taskIds.flatMap(taskId => makeMessages(execution.key(taskId), [succeed()]))
      const exchanged = await own.store.exchange?.(worker, messages, free, LONG_MS)
      return exchanged === undefined ? 'no exchange' : show(exchanged)
    },
  })
}

const show = ({ accepted, taken }: Exchanged): string => [...accepted.map(String), ...namesOf(taken)].join(' ')

/** Loses the next of these statements, or the answer to it. @returns what was sent together with it */
function loseNext(rig: Rig, name: string, fate: 'lost' | 'answer lost'): string[] {
  const sent: string[] = []
  rig.decide = (each, together) => {
    if (each !== name || sent.length > 0) return 'pass'
    sent.push(...together)
    return fate
  }
  return sent
}

/** Resolves once so many sessions of the database wait for a lock. */
async function untilLocked({ beside }: Rig, count: number): Promise<void> {
  for (let found = -1; found !== count; ) {
    // A transaction sees one state of it otherwise.
    await beside.query('SELECT pg_stat_clear_snapshot()')
    const { rows } = await beside.query(
      "SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    )
    found = (rows[0] as { count: number }).count
  }
}

describe.skipIf(isPostgresMissing)('an exchange whose connection is lost gives its orders once', () => {
  test.each(['lost', 'answer lost'] as const)('when its statements are %s', async fate => {
    const rig = await openRig()
    const sent = loseNext(rig, 'dagstream_post_ends', fate)
    expect(await rig.exchange(['a'], 2)).toBe('true b c')
    expect(sent).toContain('dagstream_take_freely')
    expect(await rig.exchange(['b', 'c'], 9)).toBe('true true d e')
    expect((await rig.execution.read()).length).toBe(3)
  })

  test('when the answer to it is lost twice', async () => {
    const rig = await openRig()
    let lostCount = 0
    rig.decide = name => (name === 'dagstream_post_ends' && ++lostCount <= 2 ? 'answer lost' : 'pass')
    expect(await rig.exchange(['a'], 2)).toBe('true b c')
    expect(lostCount).toBe(3)
    expect(await rig.exchange(['b', 'c'], 9)).toBe('true true d e')
  })

  test('when there is nothing to take', async () => {
    const rig = await openRig()
    expect(namesOf(await rig.store.orders.take(rig.worker, 9, LONG_MS))).toEqual(['b', 'c', 'd', 'e'])
    const sent = loseNext(rig, 'dagstream_post_ends', 'answer lost')
    expect(await rig.exchange(['a', 'b'], 2)).toBe('true true')
    expect(sent).not.toEqual([])
    expect((await rig.execution.read()).length).toBe(2)
  })

  test.each([
    ['dagstream_post_ends', 'answer lost'],
    ['dagstream_take_chosen', 'answer lost'],
    ['COMMIT', 'lost'],
    ['COMMIT', 'answer lost'],
  ] as const)('within a limit, when `%s` has the fate: %s', async (name, fate) => {
    const rig = await openRig(2)
    const sent = loseNext(rig, name, fate)
    expect(await rig.exchange(['a'], 9)).toBe('true b c')
    expect(sent).not.toEqual([])
    expect(await rig.exchange(['b'], 9)).toBe('true d')
    expect((await rig.execution.read()).length).toBe(2)
  })

  test('when it goes on at the server without its connection', async () => {
    const rig = await openRig()
    const { beside, proxy } = rig
    await beside.query('BEGIN')
    await beside.query('SELECT FROM dagstream.orders WHERE worker IS NOT NULL FOR UPDATE')
    const exchanged = rig.exchange(['a'], 2)
    await untilLocked(rig, 1)
    await proxy.cut()
    // It is repeated while the first one still waits.
    await untilLocked(rig, 2)
    await beside.query('COMMIT')
    expect(await exchanged).toBe('true b c')
    expect(await rig.exchange(['b', 'c'], 9)).toBe('true true d e')
  })
})
