import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createDatabase, isPostgresMissing } from '../support/postgres.ts'
import { isRedisMissing, startRedis } from '../support/redis.ts'
import { end, expectBuild, start } from './program.ts'

// A server and workers as processes of their own, on PostgreSQL, with a queue in Redis.

/** Starts a program that is ended with the test. @returns what a text on standard error matched */
async function startUntil(argv: readonly string[], said: RegExp): Promise<string> {
  const child = start(argv, '', { REDISCLI_AUTH: 'word' })
  onTestFinished(() => stop(child))
  let text = ''
  return await new Promise((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (piece: string) => {
      text += piece
      const found = said.exec(text)
      if (found !== null) resolve(found[1] ?? '')
    })
    child.once('exit', () => reject(new Error(`The program ended: ${text}`)))
  })
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

describe.skipIf(isPostgresMissing || isRedisMissing)('a queue', () => {
  beforeAll(() => expectBuild())

  test('carries tasks from a server to workers, through the death of Redis; another dispatcher is refused', async () => {
    const redis = await startRedis(['--requirepass', 'word'])
    onTestFinished(() => redis.close())
    const shared = ['--store', await createDatabase(), '--tools', 'test/e2e/queue-tools.mjs']
    const queue = ['--queue', redis.url]
    const url = await startUntil(['serve', '--port', '0', '--no-work', ...shared, ...queue], /listens on (\S+)/)
    await startUntil(['worker', ...shared, ...queue, '--concurrency', '4'], /(worker started)/)
    await startUntil(['worker', ...shared, ...queue, '--concurrency', '4'], /(worker started)/)

    const other = await end(start(['worker', ...shared]))
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('uses the dispatcher `bullmq`')])

    const tasks = Array.from({ length: 60 }, (_, at) => ({ id: `t${at}`, tool: 'rest', arguments: {} }))
    const response = await fetch(`${url}/executions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ workflow: { tasks } }),
    })
    const { executionId } = (await response.json()) as { executionId: string }
    const read = async (): Promise<Record<string, unknown>> =>
      (await (await fetch(`${url}/executions/${executionId}`)).json()) as Record<string, unknown>
    await sleep(200)
    await redis.kill()
    await sleep(200)
    await redis.start()
    let found = await read()
    for (const limit = Date.now() + 30_000; found['status'] === 'running' && Date.now() < limit; found = await read()) {
      await sleep(50)
    }
    expect(found).toMatchObject({ status: 'success' })
  })
})
