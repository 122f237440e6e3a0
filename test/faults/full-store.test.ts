import { expect, test } from 'vitest'
import type { SqliteConnection } from '../../src/store/sqlite/driver.ts'
import { handlerRig, type HandlerRig } from '../http/handler/handler-rig.ts'
import { listIds, makePath, openHere, watchDriver } from '../store/sqlite-rig.ts'

// A handler over a file that has no room, and then has.

const ECHO = { tasks: [{ id: 'a', tool: 'echo', arguments: { text: 'x'.repeat(30_000) } }] }

/** A handler whose tool `echo` notes whose calls there were. */
function echoRig(store: HandlerRig['store'], prefix: string): HandlerRig & { readonly called: string[] } {
  const called: string[] = []
  let count = 0
  const echo = (args: unknown, { executionId }: { executionId: string }): unknown => {
    called.push(executionId)
    return args
  }
  const rig = handlerRig({ store, tools: { echo }, createId: () => `${prefix}${(count += 1)}` })
  return { ...rig, called }
}

interface Posted {
  /** Of those that were answered with 202. */
  readonly ids: string[]
  readonly refusedCount: number
}

/** Posts until the store has refused so many. */
async function postUntilRefused({ create }: HandlerRig, mostRefused: number): Promise<Posted> {
  const ids: string[] = []
  let refusedCount = 0
  // Far more than there is room for.
  for (let at = 0; at < 300 && refusedCount < mostRefused; at++) {
    const response = await create(ECHO, { Prefer: 'respond-async', 'Idempotency-Key': `k${at}` })
    if (response.status === 202) ids.push(((await response.json()) as { executionId: string }).executionId)
    else refusedCount += 1
    expect([202, 503]).toContain(response.status)
  }
  return { ids, refusedCount }
}

async function untilEnded({ clock, get }: HandlerRig, ids: readonly string[]): Promise<void> {
  const countRunning = async (): Promise<number> => {
    const all = await Promise.all(ids.map(async id => (await get(`/executions/${id}`)).json()))
    return all.filter(({ status }) => status === 'running').length
  }
  for (let left = await countRunning(); left > 0; left = await countRunning()) await clock.run(1000)
}

test('once there is room, all that was accepted continues by itself, and each tool is called once per attempt', async () => {
  const driver = await watchDriver()
  const store = await openHere(makePath(), {}, { driver })
  const connection = driver.connections.at(-1) as SqliteConnection
  const pages = Object.values(connection.query('PRAGMA page_count')()[0] ?? {})[0] as number
  connection.query(`PRAGMA max_page_count = ${pages + 100}`)()
  const rig = echoRig(store, 'x')
  const { ids, refusedCount } = await postUntilRefused(rig, 3)
  expect([refusedCount, await rig.figure('dagstream_executions_total{status="lost"}')]).toEqual([3, expect.any(Number)])
  // Less than three failures in a row, which would park an execution.
  await rig.clock.run(1000)
  connection.query(`PRAGMA max_page_count = ${pages + 100_000}`)()
  await rig.clock.run(60_000)
  await untilEnded(rig, ids)
  expect((await listIds(store)).sort()).toEqual(ids.toSorted())
  for (const id of ids) {
    const { status, result } = await (await rig.get(`/executions/${id}`)).json()
    expect([status, result.results[0].attempts]).toEqual(['success', rig.called.filter(each => each === id).length])
  }
  expect(rig.clock.timerCount).toBe(0)
})

test('a start that was refused on a full disk does not run at the next start either, and its key is free', async () => {
  const file = makePath()
  let commitsLeft = Number.POSITIVE_INFINITY
  const driver = await watchDriver(sql => {
    if (sql !== 'COMMIT') return
    commitsLeft -= 1
    if (commitsLeft < 0) throw Object.assign(new Error('database or disk is full'), { errcode: 13 })
  })
  const first = await openHere(file, {}, { driver })
  const before = echoRig(first, 'x')
  await first.sweep()
  // What a sweep leaves to be cleared is written too.
  await before.clock.run(0)
  const headers = { Prefer: 'respond-async', 'Idempotency-Key': 'k' }
  // Room to be created, and no more.
  commitsLeft = 1
  expect((await before.create(ECHO, headers)).status).toBe(503)
  expect(await listIds(first)).toEqual(['x1'])
  await first.close()
  const second = await openHere(file)
  const after = echoRig(second, 'y')
  await second.sweep()
  expect([await listIds(second), after.called]).toEqual([[], []])
  expect(await after.begin(ECHO, headers)).toBe('y1')
  await untilEnded(after, ['y1'])
  expect([before.called, after.called]).toEqual([[], ['y1']])
})
