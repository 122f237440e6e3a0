import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { openPostgresStore } from '../../src/store/postgres/index.ts'
import { isOutage, toStoreError } from '../../src/store/postgres/connection/store-error.ts'
import { coordinate, hold, makeMessages, succeed } from '../../src/testing/shared-fixtures.ts'
import { makeEntries, makeRecord } from '../../src/testing/store-fixtures.ts'
import { createDatabase, execute, isPostgresMissing, urlOf } from '../support/postgres.ts'
import { type Cluster, removeFolder, startCluster, startServer, stopServer } from '../support/postgres-cluster.ts'
import { afterTest, openHere } from './postgres-rig.ts'

/** A relay in front of a database, which a test cuts. */
interface Relay {
  readonly url: string
  /** Refuses connections and ends those that there are. */
  cut(): void
  restore(): void
  /** Ends each connection as soon as the database answers to a statement that contains this text, and passes no answer on. */
  loseAnswerTo(text: string): void
  /** How many answers were lost. */
  readonly lostCount: number
}

async function startRelay(url: string): Promise<Relay> {
  const target = new URL(url)
  const databasePort = Number(target.port)
  const sockets = new Set<Socket>()
  let [isCut, lostCount] = [false, 0]
  let lost: string | undefined
  const server = createServer(client => {
    if (isCut) {
      client.destroy()
      return
    }
    const database = connect(databasePort, target.hostname)
    let isAsked = false
    for (const socket of [client, database]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        database.destroy()
      })
    }
    client.on('data', data => {
      if (lost !== undefined && data.includes(lost)) isAsked = true
      database.write(data)
    })
    database.on('data', data => {
      if (!isAsked) {
        client.write(data)
        return
      }
      lost = undefined
      lostCount += 1
      client.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterTest(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  target.port = String((server.address() as AddressInfo).port)
  return {
    url: target.href,
    cut() {
      isCut = true
      for (const socket of sockets) socket.destroy()
    },
    restore: () => void (isCut = false),
    loseAnswerTo: text => void (lost = text),
    get lostCount() {
      return lostCount
    },
  }
}

test.skipIf(isPostgresMissing)(
  'subscribers elsewhere are not known until their members had time to come back',
  async () => {
    const relay = await startRelay(await createDatabase())
    const store = await openHere(relay.url)
    const { executionId } = await coordinate({ store, wait: async () => {} })
    const member = { role: 'server', startedAt: 'x', tools: [], running: 0, capacity: 0, version: 'x' } as const
    const announce = (memberId: string, ttlMs: number): Promise<void> =>
      store.members.announce({ ...member, memberId }, 'store', ttlMs)
    for (const memberId of ['own', 'other']) await announce(memberId, 60_000)
    await store.members.setSubscribers('other', executionId, 1)
    expect(await store.members.countSubscribers(executionId)).toBe(1)
    relay.cut()
    const pending = store.members.countSubscribers(executionId)
    relay.restore()
    await expect(pending).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(store.members.countSubscribers(executionId)).rejects.toThrow('was away')
    await announce('own', 1)
    expect(await store.members.countSubscribers(executionId)).toBe(1)
  },
)

describe.skipIf(isPostgresMissing)('while the database is away', () => {
  test('calls wait for it, and none is lost or doubled', async () => {
    const relay = await startRelay(await createDatabase())
    const store = await openHere(relay.url)
    const { executionId } = makeRecord()
    await store.create(makeRecord({ executionId }))
    const lease = await store.claim(executionId)
    relay.cut()
    const calls = Promise.all([store.append(lease, 1, makeEntries(executionId, 1, 3)), store.get(executionId)])
    // The first attempts have failed once this has: it is tried once.
    await expect(openPostgresStore(relay.url)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    relay.restore()
    expect((await calls)[1]).toMatchObject({ executionId })
    expect(await store.read(executionId, 0, 10)).toHaveLength(3)
  })

  test('calls fail once the outage has lasted its bound, and later ones at once', async () => {
    const relay = await startRelay(await createDatabase())
    const store = await openHere(relay.url, { storeRetryMs: 300 })
    relay.cut()
    const expected = { code: 'STORE_FAILED', message: expect.not.stringContaining('postgres@') as unknown }
    await expect(store.list({ limit: 1 })).rejects.toMatchObject(expected)
    await expect(store.list({ limit: 1 })).rejects.toMatchObject(expected)
    relay.restore()
    expect(await store.list({ limit: 1 })).toEqual([])
  })

  test('a commit whose answer was lost is recognized, whole', async () => {
    const url = await createDatabase()
    const relay = await startRelay(url)
    const rig = { store: await openHere(relay.url), wait: (): Promise<void> => Promise.resolve() }
    const { execution, worker } = await hold(rig)
    await rig.store.inbox.post(worker, makeMessages(execution.key('a'), [succeed()]))
    const consumed = (await execution.read()).map(({ id }) => id)
    relay.loseAnswerTo('execution_message_marker')
    const entries = makeEntries(execution.executionId, execution.lastSeq + 1, 2, 'execution_message_marker')
    await execution.commit(entries, { consumed, orders: [{ command: execution.command('t', 'b'), priority: 0 }] })
    expect(relay.lostCount).toBe(1)
    expect(await rig.store.read(execution.executionId, 0, 10)).toHaveLength(execution.lastSeq)
    expect(await execution.messages()).toEqual([])
    expect(await rig.store.orders.list(execution.executionId)).toHaveLength(1)
    // What another coordinator has appended is not taken for it.
    const lease = await rig.store.claim(execution.executionId)
    relay.loseAnswerTo('second_marker')
    const more = makeEntries(execution.executionId, execution.lastSeq + 1, 1, 'second_marker')
    await expect(execution.commit(more, {})).rejects.toMatchObject({ code: 'FENCED' })
    expect(lease.epoch).toBeGreaterThan(execution.lease.epoch)
  })

  test('a creation and a message whose answers were lost are recognized', async () => {
    const relay = await startRelay(await createDatabase())
    const store = await openHere(relay.url)
    const rig = { store, wait: (): Promise<void> => Promise.resolve() }
    const record = makeRecord({ requestHash: 'creation_marker' })
    relay.loseAnswerTo('creation_marker')
    expect(await store.leases.create('server', record, 1000)).toEqual({
      lease: { executionId: record.executionId, epoch: 1 },
    })
    const { execution, worker } = await hold(rig)
    relay.loseAnswerTo('message_marker')
    const messages = makeMessages(execution.key('a'), [{ type: 'token', text: 'message_marker' }])
    expect(await store.inbox.post(worker, messages)).toEqual([true])
    expect(await execution.messages()).toEqual(messages)
    expect(relay.lostCount).toBe(2)
  })

  test('hints come again after their connection was lost, and subscribers look at everything', async () => {
    const url = await createDatabase()
    const [store, other] = [await openHere(url), await openHere(url)]
    const woken: unknown[] = []
    let wake = (): void => {}
    const next = (): Promise<void> => new Promise(resolve => (wake = resolve))
    await store.hints.subscribe(hints => {
      woken.push(hints)
      wake()
    })
    const lost = next()
    await execute(url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'`)
    await lost
    expect(woken).toEqual([undefined])
    const hinted = next()
    const { executionId, lease } = await coordinate({ store: other, wait: () => Promise.resolve() })
    await other.append(lease, 1, makeEntries(executionId, 1, 1))
    await hinted
    expect(woken.at(-1)).toEqual([{ kind: 'log', executionId }])
  })

  test('no lease expires within its duration after the database was started', async () => {
    const cluster = await startCluster()
    const url = urlOf(cluster, 'postgres')
    const { migratePostgresStore } = await import('../../src/store/postgres/index.ts')
    await migratePostgresStore(url)
    const store = await openHere(url)
    const rig = { store, wait: (): Promise<void> => Promise.resolve() }
    const { execution, worker } = await hold(rig)
    await store.orders.renew(worker, [execution.key('a')], 60_000)
    await store.leases.renew(execution.holder, 60_000)
    await stopServer(cluster)
    const again: Cluster = await startServer(cluster.folder, cluster.port)
    afterTest(async () => {
      await stopServer(again)
      removeFolder(again)
    })
    // As if the outage had outlasted the leases.
    await execute(url, `UPDATE dagstream.orders SET lease_until = lease_until - interval '2 minutes'`)
    await execute(url, `UPDATE dagstream.executions SET lease_until = lease_until - interval '2 minutes'`)
    const other = await openHere(url)
    expect([await other.orders.interruptExpired(), await other.leases.claimFree('other', 10, 1000)]).toEqual([0, []])
    // Its worker and its coordinator go on.
    expect(await store.inbox.post(worker, makeMessages(execution.key('a'), [succeed()]))).toEqual([true])
    await execution.commit(makeEntries(execution.executionId, execution.lastSeq + 1, 1), {})
  })
})

describe.skipIf(isPostgresMissing)('a database that refuses', () => {
  const openBroken = async (url: string): Promise<string> => {
    const error = await openPostgresStore(url).then(
      () => undefined,
      (error: unknown) => error as Error & { code: string },
    )
    expect(error?.code).toBe('STORE_FAILED')
    expect(error?.message).not.toContain('hidden-word')
    return error?.message ?? ''
  }

  test('is named without its password, with a hint', async () => {
    const url = await createDatabase()
    const { port } = new URL(url)
    expect(await openBroken(`postgres://postgres:hidden-word@127.0.0.1:${port}/missing`)).toContain('createdb')
    expect(await openBroken('postgres://postgres:hidden-word@127.0.0.1:1/any')).toContain('check that it runs')
    expect(await openBroken(`postgres://nobody:hidden-word@127.0.0.1:${port}/postgres`)).toContain('refuses the user')
  })

  test('because it is read-only, or of another encoding, says so', async () => {
    const url = await createDatabase()
    const name = new URL(url).pathname.slice(1)
    await execute(url, `ALTER DATABASE ${name} SET default_transaction_read_only = on`)
    expect(await openBroken(url)).toContain('read-only')
    const other = `${name}_latin`
    await execute(url.replace(name, 'postgres'), `CREATE DATABASE ${other} TEMPLATE template0 ENCODING 'LATIN1'`)
    expect(await openBroken(url.replace(name, other))).toContain('UTF8')
  })

  test('because a privilege is missing names it, and the documented roles are enough', async () => {
    const url = await createDatabase()
    const { port } = new URL(url)
    const role = `app_${globalThis.crypto.randomUUID().slice(0, 8)}`
    await execute(url, `CREATE ROLE ${role} LOGIN`)
    const own = urlOf({ port: Number(port) }, new URL(url).pathname.slice(1), role)
    expect(await openBroken(own)).toContain('privilege')
    await execute(
      url,
      `GRANT USAGE ON SCHEMA dagstream TO ${role};
       GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dagstream TO ${role}`,
    )
    const store = await openHere(own)
    const rig = { store, wait: (): Promise<void> => Promise.resolve() }
    const { execution, worker } = await hold(rig)
    await store.inbox.post(worker, makeMessages(execution.key('a'), [succeed()]))
    await execution.commit(makeEntries(execution.executionId, execution.lastSeq + 1, 1), {
      consumed: (await execution.read()).map(({ id }) => id),
    })
    await store.delete(execution.executionId)
    await expect(execute(own, 'DROP TABLE dagstream.events')).rejects.toThrow(/owner/)
  })

  test('errors of a server that starts are an outage; those of a password are not', () => {
    expect(
      ['57P03', '08006', '53300', '28P01', '42P01'].map(code => isOutage(Object.assign(new Error('x'), { code }))),
    ).toEqual([true, true, true, false, false])
    const refused = toStoreError('postgres://db', Object.assign(new Error('x'), { code: '28P01' }))
    expect(refused.message).toBe('The store `postgres://db` refuses the user or the password: check the URL')
  })
})
