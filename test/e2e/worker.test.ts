import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { AttemptCommand, AttemptKey } from '../../src/attempt/runner.ts'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import type { Lease } from '../../src/log/event-log.ts'
import { openPostgresStore } from '../../src/store/postgres/index.ts'
import { createDatabase, isPostgresMissing } from '../support/postgres.ts'
import { expectBuild, start } from './program.ts'

// Workers are processes of their own, on PostgreSQL; the test coordinates.

const folder = mkdtempSync(join(tmpdir(), 'dagstream-worker-'))
let url = ''
let store: SharedStore

beforeAll(async () => {
  if (isPostgresMissing) return
  expectBuild()
  url = await createDatabase()
  store = await openPostgresStore(url)
}, 60_000)

afterAll(async () => {
  await store?.close()
  rmSync(folder, { recursive: true, force: true })
})

let count = 0

/** An execution whose coordinator is the test. */
async function coordinate(): Promise<{
  order(tool: string, taskIds: readonly string[], more: Partial<AttemptCommand>): Promise<void>
  key(taskId: string): AttemptKey
  news(): Promise<readonly Record<string, unknown>[]>
}> {
  const executionId = `x${++count}`
  const record = { executionId, createdAt: new Date().toISOString() }
  const { lease } = await store.leases.create('test', record, 600_000)
  const command = { executionId, attempt: 1, arguments: {}, mayHoldJsonNumbers: false, timeoutMs: 0 }
  return {
    order: async (tool, taskIds, more) => {
      const orders = taskIds.map(taskId => {
        const idempotencyKey = `${executionId}.${taskId}`
        return { priority: 0, command: { ...command, tool, taskId, idempotencyKey, ...more } }
      })
      await store.commit(lease as Lease, 1, [], { orders, consumed: [], replies: [] })
    },
    key: taskId => ({ executionId, taskId, attempt: 1 }),
    news: async () => {
      const found = (await store.inbox.read([executionId], 100_000)).get(executionId) ?? []
      return found.flatMap(({ message }) => ('key' in message ? [{ taskId: message.key.taskId, ...message.news }] : []))
    },
  }
}

async function startWorker(...flags: string[]): Promise<ChildProcess> {
  const tools = 'test/e2e/worker-tools.mjs'
  const child = start(['worker', '--store', url, '--tools', tools, '--lease', '3000', ...flags])
  let text = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      if (text.includes('worker started')) resolve()
    })
    child.once('exit', () => reject(new Error(`The worker ended: ${text}`)))
  })
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  return child
}

/** Asks until it holds. */
async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(10)) if (await holds()) return
  throw new Error(`Expected within 30 s: ${what}`)
}

const record = (name: string): string => join(folder, name)
const linesOf = (path: string): string[] => (existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [])
const typesOf = (news: readonly Record<string, unknown>[]): unknown[] => news.map(({ type }) => type)

describe.skipIf(isPostgresMissing)('a worker as a process', () => {
  test('that is killed loses its order within its lease; the next worker takes the next attempt', async () => {
    const file = record('killed')
    const execution = await coordinate()
    const first = await startWorker()
    await execution.order('wait', ['a'], { arguments: { record: file } })
    await until(() => linesOf(file).includes('begin a 1'), 'the call')
    first.kill('SIGKILL')
    await once(first, 'exit')
    await until(async () => (await store.orders.interruptExpired()) > 0, 'the end of the lease')
    expect(typesOf(await execution.news())).toEqual(['interrupted'])
    await startWorker()
    await execution.order('wait', ['a'], { arguments: { record: file }, attempt: 2 })
    await until(() => linesOf(file).includes('begin a 2'), 'the second call')
  })

  test('hears of a cancellation at once', async () => {
    const file = record('cancelled')
    const execution = await coordinate()
    await startWorker()
    await execution.order('wait', ['a'], { arguments: { record: file } })
    await until(() => linesOf(file).includes('begin a 1'), 'the call')
    await store.orders.cancel(execution.key('a'), { code: 'CANCELLED', message: 'Stop' })
    await until(async () => typesOf(await execution.news()).includes('settled'), 'the outcome')
    expect((await execution.news()).at(-1)).toMatchObject({ report: { status: 'cancelled' } })
  })

  test('keeps its lease while a tool blocks it; beyond the timeout the attempt is abandoned, its outcome refused', async () => {
    const file = record('blocked')
    const execution = await coordinate()
    await startWorker()
    await execution.order('block', ['short'], { arguments: { record: file, ms: 7000 } })
    await until(() => linesOf(file).includes('begin short'), 'the call')
    for (let at = 0; at < 60; at++) {
      await store.orders.interruptExpired()
      expect(typesOf(await execution.news())).not.toContain('interrupted')
      await sleep(100)
    }
    await until(async () => typesOf(await execution.news()).includes('settled'), 'its outcome')
    expect((await execution.news()).at(-1)).toMatchObject({ report: { status: 'success', outputJson: '"late"' } })
    const more = { arguments: { record: file, ms: 6000 }, timeoutMs: 500, abortGraceMs: 500 }
    await execution.order('block', ['long'], more)
    await until(() => linesOf(file).includes('begin long'), 'the call')
    await until(
      async () => (await execution.news()).some(({ taskId, type }) => taskId === 'long' && type === 'settled'),
      'the timeout',
    )
    expect(linesOf(file)).not.toContain('end long')
    await until(() => linesOf(file).includes('end long'), 'the end of the call')
    await sleep(500)
    const settled = (await execution.news()).filter(({ taskId, type }) => taskId === 'long' && type === 'settled')
    expect(settled).toMatchObject([{ report: { status: 'error', code: 'TASK_TIMEOUT', abandoned: true } }])
  })

  test('keeps a limit with another one, as their tools record, and ends with 0 at SIGTERM', async () => {
    const file = record('limited')
    const execution = await coordinate()
    const workers = [await startWorker('--only', 'limited'), await startWorker()]
    const ids = Array.from({ length: 30 }, (_, at) => `t${at}`)
    await execution.order('limited', ids, { arguments: { record: file } })
    await until(() => linesOf(file).filter(line => line.startsWith('end')).length === 30, 'all calls')
    let running = 0
    let peak = 0
    for (const line of linesOf(file)) peak = Math.max(peak, (running += line.startsWith('begin') ? 1 : -1))
    expect(peak).toBe(2)
    const codes = workers.map(async worker => {
      worker.kill('SIGTERM')
      return ((await once(worker, 'exit')) as [number])[0]
    })
    expect(await Promise.all(codes)).toEqual([0, 0])
    // A worker that an earlier test has killed is a member until its lease ends.
    await until(async () => (await store.members.list()).length === 0, 'the end of all members')
  })

  test('loses no token of a hundred tasks with fifty a second each', async () => {
    const execution = await coordinate()
    await startWorker('--concurrency', '100')
    const ids = Array.from({ length: 100 }, (_, at) => `t${at}`)
    await execution.order('stream', ids, { arguments: { count: 50, everyMs: 20 } })
    await until(
      async () => typesOf(await execution.news()).filter(type => type === 'settled').length === 100,
      'all outcomes',
    )
    const texts = new Map<unknown, string>()
    const news = await execution.news()
    for (const { taskId, text } of news)
      if (typeof text === 'string') texts.set(taskId, (texts.get(taskId) ?? '') + text)
    const expected = (id: string): string => Array.from({ length: 50 }, (_, at) => `${id}:${at} `).join('')
    expect(new Map(texts)).toEqual(new Map(ids.map(id => [id, expected(id)])))
  })
})
