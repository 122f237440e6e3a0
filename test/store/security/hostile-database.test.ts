import { describe, expect, test } from 'vitest'
import { checkNews } from '../../../src/engine/remote/posted-news.ts'
import { coordinate, hold, join, LONG_MS, makeMessages, succeed } from '../../../src/testing/shared-fixtures.ts'
import { makeEntries } from '../../../src/testing/store-fixtures.ts'
import type { Hint } from '../../../src/cluster/shared-store.ts'
import { createDatabase, execute, isPostgresMissing } from '../../support/postgres.ts'
import { afterTest, openHere } from '../postgres-rig.ts'
import type { PostgresStore } from '../../../src/store/postgres/index.ts'

// What a process with access to the database may write there: a worker that was taken over, or a program with a fault.

const wait = (): Promise<void> => Promise.resolve()

/** Resolves with the hints that come until one of this execution, and ends the subscription after the test. */
async function collectUntil(store: PostgresStore, executionId: string): Promise<() => Promise<unknown[]>> {
  const seen: (readonly Hint[] | undefined)[] = []
  let found = (): void => {}
  const isFound = new Promise<void>(resolve => (found = resolve))
  const unsubscribe = await store.hints.subscribe(hints => {
    seen.push(hints)
    if (hints?.some(hint => 'executionId' in hint && hint.executionId === executionId)) found()
  })
  afterTest(unsubscribe)
  return async () => {
    await isFound
    return seen
  }
}

describe.skipIf(isPostgresMissing)('a hint', () => {
  test('that is garbage harms nobody: it counts as a hint to look at everything', async () => {
    const url = await createDatabase()
    const [store, other] = [await openHere(url), await openHere(url)]
    const { executionId, lease } = await coordinate({ store: other, wait })
    const seen = await collectUntil(store, executionId)
    const garbage = [
      '',
      ' ',
      '*',
      'x l%',
      'x l%ZZ i%E0%A4%A',
      'x o%',
      '\u{1f600} é',
      `x ${'q '.repeat(3000)}`,
      '{"a":1}',
    ]
    for (const payload of garbage) await execute(url, 'SELECT pg_notify($1, $2)', ['dagstream_log', payload])
    await other.append(lease, 1, makeEntries(executionId, 1, 1))
    const unknown = (await seen()).filter(hints => hints === undefined)
    expect(unknown.length).toBeGreaterThan(0)
    expect(unknown.length).toBeLessThanOrEqual(garbage.length)
    // The connection of the hints has survived.
    expect(await store.read(executionId, 0, 10)).toHaveLength(1)
  })

  test('in a flood delays nothing and is joined by those who read', async () => {
    const url = await createDatabase()
    const [store, other] = [await openHere(url), await openHere(url)]
    const { executionId, lease } = await coordinate({ store: other, wait })
    const seen = await collectUntil(store, executionId)
    await execute(url, `SELECT pg_notify('dagstream_log', 'x l' || n) FROM generate_series(1, 20000) AS n`)
    await other.append(lease, 1, makeEntries(executionId, 1, 1))
    expect(await seen()).toContainEqual([{ kind: 'log', executionId }])
  })
})

describe.skipIf(isPostgresMissing)('a row', () => {
  test('of the inbox that is not JSON, not of its kind or too large is read as a message without content', async () => {
    const url = await createDatabase()
    const store = await openHere(url)
    const { execution } = await hold({ store, wait })
    const insert = `INSERT INTO dagstream.inbox (execution, execution_id, task, attempt, message, kind, body)
      SELECT number, id, '"a"', 1, $2, $3, $4 FROM dagstream.executions WHERE id = $1`
    const rows = [
      ['token', '{"type":'],
      ['token', '{"type":"settled","report":{"status":"success","outputJson":"1"}}'],
      ['settled', 'null'],
      ['unclaimed', '[]'],
    ]
    for (const [at, [kind, body]] of rows.entries())
      await execute(url, insert, [execution.executionId, at + 1, kind, body])
    await execute(url, insert.replace('$4', `repeat('x', 50 * 1024 * 1024)`), [execution.executionId, 5, 'log'])
    const messages = await execution.messages()
    expect(messages.map(message => ('news' in message ? message.news : undefined))).toEqual([
      { type: 'token' },
      { type: 'token' },
      { type: 'settled' },
      { type: 'unclaimed' },
      { type: 'log' },
    ])
    expect(messages.map(message => checkNews(message as never).type)).toEqual([
      'refused',
      'refused',
      'settled',
      'refused',
      'refused',
    ])
  })

  test('of the inbox costs its reader no more memory than a page: large messages come in several', async () => {
    const url = await createDatabase()
    const store = await openHere(url)
    const { execution, worker } = await hold({ store, wait })
    const text = 'x'.repeat(6 * 1024 * 1024)
    const tokens = Array.from({ length: 8 }, () => ({ type: 'token', text }) as const)
    expect(await store.inbox.post(worker, makeMessages(execution.key('a'), tokens))).not.toContain(false)
    const counts: number[] = []
    for (;;) {
      const page = await execution.read()
      if (page.length === 0) break
      counts.push(page.length)
      await execution.commit([], { consumed: page.map(({ id }) => id) })
    }
    expect(counts).toEqual([3, 3, 2])
  })

  test('of the members that is damaged hides no other member', async () => {
    const url = await createDatabase()
    const store = await openHere(url)
    const worker = await join({ store, wait }, ['work'])
    await execute(
      url,
      `INSERT INTO dagstream.members (id, started_at, body, tools, dispatcher, seen_at, alive_until)
       SELECT name, '2026', body, tools, 'store', now(), now() + interval '1 hour' FROM (VALUES
         ('a', '{', '[]'), ('b', '{}', 'null'), ('c', 'null', '[]'), ('d', '{}', '[null,{"name":7}]')) AS v (name, body, tools)`,
    )
    const members = await store.members.list()
    expect(members.map(({ memberId, tools }) => [memberId, tools.map(({ name }) => name)])).toEqual([
      ['d', []],
      [worker, ['work']],
    ])
  })

  test('of the orders with damaged questions and usage does not stop a takeover', async () => {
    const url = await createDatabase()
    const store = await openHere(url)
    const { execution } = await hold({ store, wait })
    await execute(url, `UPDATE dagstream.orders SET questions = '{"{","7"}', usage = '{"totalTokensIn"'`)
    expect(await store.orders.list(execution.executionId)).toEqual([{ key: execution.key('a'), questions: [7] }])
  })
})

describe.skipIf(isPostgresMissing)('a worker', () => {
  test('that reports for an order of another one, or of another execution, is refused each time', async () => {
    const store = await openHere()
    const rig = { store, wait }
    const { execution, worker } = await hold(rig)
    const { execution: other, worker: holder } = await hold(rig)
    const stranger = await join(rig, ['anything'])
    const post = (who: string, where: typeof execution, number = 1): Promise<readonly boolean[]> =>
      store.inbox.post(who, makeMessages(where.key('a'), [succeed()], number))
    expect([await post(stranger, execution), await post(worker, other), await post(holder, execution, 99)]).toEqual([
      [false],
      [false],
      [false],
    ])
    expect([await execution.messages(), await other.messages()]).toEqual([[], []])
    const keys = [execution.key('a')]
    await store.orders.interrupt(stranger, keys)
    await store.orders.handBack(stranger, keys)
    expect((await store.orders.renew(stranger, keys, LONG_MS)).lost).toEqual(keys)
    expect(await post(worker, execution)).toEqual([true])
    // One outcome is accepted.
    expect(await store.inbox.post(worker, makeMessages(execution.key('a'), [succeed('2')], 2))).toEqual([false])
    expect(await execution.messages()).toHaveLength(1)
  })
})
