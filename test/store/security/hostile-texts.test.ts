import pg from 'pg'
import { describe, expect, test } from 'vitest'
import type { PostgresStore } from '../../../src/store/postgres/index.ts'
import { migratePostgresStore } from '../../../src/store/postgres/index.ts'
import { Coordinated, LONG_MS, makeMember, makeMessages, succeed } from '../../../src/testing/shared-fixtures.ts'
import { makeRecord } from '../../../src/testing/store-fixtures.ts'
import { createDatabase, execute, isPostgresMissing, shareCluster } from '../../support/postgres.ts'
import { openHere } from '../postgres-rig.ts'

/** Texts that end a string, a statement or a connection where one is not a parameter. */
const HOSTILE: readonly (readonly [name: string, text: string])[] = [
  ['quotes', `'; DROP TABLE dagstream.events; --`],
  ['double quotes and a backslash', `"\\'"\\`],
  ['a dollar quote', '$$; SELECT pg_sleep(60); $$'],
  ['parameters', '$1 $2 ? :name %s'],
  ['braces and commas of arrays', '{"a",NULL,b}'],
  ['NUL', 'a\u0000b'],
  ['half a character', '\ud800'],
  ['control characters', 'a\r\n\t\u001b[31m'],
  ['characters outside of the basic plane', '\u{1f600}\u{10ffff}é\u202e'],
  ['more than 63 characters', 'n'.repeat(64)],
  ['a word of SQL', 'NULL'],
  ['nothing', ''],
]

async function countTables(url: string): Promise<unknown> {
  const sql = `SELECT count(*)::int AS count FROM pg_tables WHERE schemaname = 'dagstream'`
  return (await execute(url, sql))[0]?.['count']
}

/** An execution whose owner, key, task, tool and everything else is this text. @returns what came back of it */
async function passThrough(store: PostgresStore, text: string): Promise<Record<string, unknown>> {
  const { executionId } = makeRecord()
  // Documented bounds of keys and names are those of the request; the store keeps what it is given.
  const record = makeRecord({ executionId, owner: text, idempotencyKey: text, workflow: JSON.stringify(text) })
  const { lease } = await store.leases.create('server', record, LONG_MS)
  if (lease === undefined) throw new Error('Expected a new execution')
  const execution = new Coordinated(store, 'server', lease, text)
  const announced = { name: text, limit: 2, limitKey: text, rate: { max: 5, perMs: 1000 } }
  await store.members.announce(makeMember('worker', [announced]), 'store', LONG_MS)
  await execution.order(text, [text], { priority: 1 })
  await store.putOutput(lease, text, JSON.stringify(text))
  await store.secrets?.put(lease, text, JSON.stringify(text))
  await store.remember?.({ owner: text, key: text }, { executionId, taskId: text, output: JSON.stringify(text) })
  const waiting = await store.orders.countWaiting()
  const [taken] = await store.orders.take('worker', 1, LONG_MS)
  const key = execution.key(text)
  const news = [{ type: 'token', text: text || '-' } as const, succeed(JSON.stringify(text))]
  const accepted = await store.inbox.post('worker', makeMessages(key, news))
  await store.members.pauseTool(text, 1)
  await store.orders.cancel(key, { code: 'CANCELLED', message: text })
  return {
    owner: (await store.findByKey?.(text, text))?.owner,
    listed: (await store.list({ owner: text, limit: 9 })).length,
    output: await store.getOutput(executionId, text),
    secret: await store.secrets?.get(executionId, text),
    recalled: (await store.recall?.({ owner: text, key: text }, LONG_MS))?.taskId,
    waiting: waiting.map(({ tool }) => tool),
    task: taken?.kind === 'start' ? [taken.command.taskId, taken.command.tool] : undefined,
    accepted,
    messages: await execution.messages(),
    known: (await store.members.list()).map(({ tools }) => tools[0]?.name),
    expected: makeMessages(key, news),
  }
}

describe.skipIf(isPostgresMissing)('a text from outside', () => {
  test('is a parameter, and comes back as it was', async () => {
    const url = await createDatabase()
    const before = await countTables(url)
    const store = await openHere(url)
    for (const [name, text] of HOSTILE) {
      const { expected, ...found } = await passThrough(store, text)
      expect({ name, ...found }).toEqual({
        name,
        owner: text,
        listed: 1,
        output: JSON.stringify(text),
        secret: JSON.stringify(text),
        recalled: text,
        waiting: [text],
        task: [text, text],
        accepted: [true, true],
        messages: expected,
        known: [text],
      })
    }
    expect(await countTables(url)).toBe(before)
  })

  test('that is the id of no execution finds none', async () => {
    const store = await openHere(await createDatabase())
    for (const [name, text] of HOSTILE) {
      const key = { executionId: text, taskId: text, attempt: 1 }
      const cancel = { type: 'cancel', reason: { code: 'CANCELLED', message: text } } as const
      const missing = { code: 'EXECUTION_NOT_FOUND' }
      expect({
        name,
        stored: await store.get(text),
        entries: await store.read(text, 0, 10),
        listed: await store.list({ limit: 9, after: { createdAt: text, executionId: text } }),
        isDeleted: await store.delete(text),
        holder: await store.leases.findHolder(text),
        reply: await store.inbox.findReply(text),
        accepted: await store.inbox.post(text, makeMessages(key, [succeed()])),
        read: (await store.inbox.read([text], 1)).size,
        subscribers: await store.members.countSubscribers(text),
      }).toEqual({
        name,
        stored: undefined,
        entries: [],
        listed: [],
        isDeleted: false,
        holder: undefined,
        reply: undefined,
        accepted: [false],
        read: 0,
        subscribers: 0,
      })
      await expect(store.claim(text)).rejects.toMatchObject(missing)
      await expect(store.inbox.send({ commandId: text, executionId: text, news: cancel })).rejects.toMatchObject(
        missing,
      )
    }
  })
})

describe.skipIf(isPostgresMissing)('the name of a database', () => {
  test('may be any that PostgreSQL has', async () => {
    for (const name of [`o'hare "x"`, 'größe 数', 'a%b', 'n'.repeat(63)]) {
      const { port } = await shareCluster()
      const admin = `postgres://postgres@127.0.0.1:${port}/postgres`
      await execute(admin, `CREATE DATABASE ${pg.escapeIdentifier(name)} TEMPLATE template0 ENCODING 'UTF8'`)
      const url = `postgres://postgres@127.0.0.1:${port}/${encodeURIComponent(name)}`
      await migratePostgresStore(url)
      const store = await openHere(url)
      expect((await passThrough(store, 'a'))['owner']).toBe('a')
    }
  })
})
