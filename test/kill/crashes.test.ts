import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { DAGTask } from '../../src/index.ts'
import { createClient } from '../../src/client/index.ts'
import { createRandom } from '../support/random-graph.ts'
import { inspect } from './kill-case.ts'
import type { KillWorkflow } from './kill-workflows.ts'
import { callsOf, findWorkflow, killRig, SLOW } from './kill-rig.ts'

// Deaths at moments of their own. Real processes, real time.

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const random = createRandom(SEED)

/** Moments after the start of a process, ms; most of them before it listens. */
const MOMENTS = Array.from({ length: 8 }, () => Math.floor(random() * 400))

const rig = killRig(SLOW, findWorkflow('chain'))

/** Followed by nobody, it is cancelled. */
const UNENDING: KillWorkflow = {
  name: 'unending',
  status: 'cancelled',
  body: { workflow: { tasks: [{ id: 'long', tool: 'linger' }] }, options: { onDisconnect: { graceMs: 2000 } } },
}

test.concurrent('an execution whose task was in flight in three crashes in a row is parked, and is resumed by hand', async () => {
  const { site, follower } = rig.open(SLOW)
  follower.strikeAt('task_start', 'b', 3)
  await expect(follower.follow()).rejects.toThrow('"CRASH_LIMIT"')
  expect(await follower.fetchResult()).toMatchObject({ status: 'parked', parked: { code: 'CRASH_LIMIT' } })
  site.strike()
  expect(await follower.fetchResult()).toMatchObject({ status: 'parked' })
  // Some of the three may have been killed before their call.
  const before = callsOf(site)
  expect(before.filter(taskId => taskId !== 'b')).toEqual(['a'])
  expect(await follower.ask('resume')).toBe(202)
  await follower.follow()
  expect(callsOf(site).slice(before.length)).toEqual(['b', 'c'])
  expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
})

test.concurrent(`a server that is killed again and again while it starts loses nothing (seed ${SEED})`, async () => {
  const { site, follower } = rig.open(SLOW)
  await site.url
  site.killsAtStart.push(...MOMENTS.slice(0, 5))
  follower.strikeAt('task_start', 'b')
  await follower.follow().catch(async (error: unknown) => {
    // Those of the five that had begun with it count.
    expect(String(error)).toContain('"CRASH_LIMIT"')
    expect(await follower.ask('resume')).toBe(202)
    await follower.follow()
  })
  expect(site.deaths.length).toBe(6)
  expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
})

test.concurrent(`a server that is killed while it makes its file leaves one that the next can use (seed ${SEED})`, async () => {
  for (const ms of MOMENTS.slice(5)) {
    const { site, follower } = rig.open(findWorkflow('chain'))
    await wait(ms)
    site.strike()
    await follower.follow()
    expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
  }
})

test.concurrent('one that is killed while it drains leaves the rest to the next', async () => {
  const { site, follower } = rig.open(SLOW)
  follower.onEvent = ({ type }, seq) => {
    if (site.deaths.length > 0 || type !== 'task_start') return false
    if (seq === 2) site.life.child.kill('SIGTERM')
    else site.strike()
    return seq !== 2
  }
  await follower.follow()
  expect(site.deaths.length).toBe(1)
  expect(await inspect(site, [follower], rig.undisturbed)).toEqual([])
})

test.concurrent('the grace of readers that left is kept to by the next process', async () => {
  const { site, follower } = rig.open(UNENDING)
  const url = await site.url
  const controller = new AbortController()
  const response = await fetch(`${url}/executions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify(UNENDING.body),
    signal: controller.signal,
  })
  follower.executionId = response.headers.get('execution-id') as string
  controller.abort()
  await wait(150)
  expect(await follower.fetchResult()).toMatchObject({ status: 'running' })
  site.strike()
  await expect.poll(async () => (await follower.fetchResult())['status'], { timeout: 15_000 }).toBe('cancelled')
  expect(await follower.fetchResult()).toMatchObject({ result: { reason: { code: 'DISCONNECTED' } } })
})

test.concurrent('a client that waited for a result gets it by asking again under the same key', async () => {
  const { site } = rig.open(SLOW)
  const ask = async (): Promise<{ executionId: string; results: { output: unknown }[] }> => {
    const response = await fetch(`${await site.url}/executions`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'key' },
      body: JSON.stringify(SLOW.body),
    })
    return (await response.json()) as { executionId: string; results: { output: unknown }[] }
  }
  const cut = expect(ask()).rejects.toThrow()
  await expect.poll(() => callsOf(site), { timeout: 30_000 }).toContain('b')
  site.strike()
  await cut
  const { executionId, results } = await ask()
  expect(results.map(({ output }) => output)).toEqual([1, 1, [1]])
  expect(callsOf(site)).toEqual(['a', 'b', 'b', 'c'])
  expect(new Set(site.readCalls().map(call => call.executionId))).toEqual(new Set([executionId]))
})

test.concurrent('an execution whose tools are missing afterwards fails, and keeps its results', async () => {
  const tasks: DAGTask[] = [
    { id: 'a', tool: 'work', arguments: { value: 1 } },
    { id: 'b', tool: 'falter', arguments: { times: 0, ms: 500 }, dependsOn: ['a'] },
    { id: 'c', tool: 'work', dependsOn: ['b'] },
  ]
  const { site, follower } = rig.open({ name: 'without', status: 'partial', body: { workflow: { tasks } } })
  follower.strikeAt('task_start', 'b', 1, { env: { WITHOUT: 'falter' } })
  await follower.follow()
  expect(await follower.fetchResult()).toMatchObject({
    status: 'partial',
    result: {
      results: [
        { taskId: 'a', status: 'success', output: 1 },
        { taskId: 'b', status: 'error', code: 'TOOLS_UNAVAILABLE' },
        { taskId: 'c', status: 'error', code: 'TOOLS_UNAVAILABLE' },
      ],
    },
  })
  expect(callsOf(site).filter(taskId => taskId !== 'b')).toEqual(['a'])
})

test.concurrent('the client of the package follows an execution across two kills, each event once', async () => {
  const { workflow } = findWorkflow('tokens and usage').body
  const { site } = rig.open(findWorkflow('tokens and usage'))
  const client = createClient({
    url: 'http://127.0.0.1:1',
    // Each process has another port; until the next one listens, nobody answers.
    fetch: async request => {
      const { pathname, search } = new URL(request.url)
      return fetch(new Request(`${await site.url}${pathname}${search}`, request))
    },
    reconnection: { initialDelayMs: 10 },
  })
  const execution = client.stream(workflow)
  const marks = [2, 12]
  const seqs: number[] = []
  const told: unknown[] = []
  for await (const event of execution) {
    seqs.push(Number(event.id?.split('.')[1]))
    told.push(event.data)
    if (seqs.length < (marks[0] ?? Number.POSITIVE_INFINITY) || site.life.isKilled) continue
    marks.shift()
    site.strike()
  }
  const { status } = await execution.result
  await site.life.kill()
  const log = (await site.readLogs()).get(await execution.executionId)
  expect([status, site.deaths.length]).toEqual(['success', 2])
  expect(seqs).toEqual(log?.entries.map(({ seq }) => seq))
  expect(told).toEqual(log?.entries.map(({ json }) => JSON.parse(json)))
})
