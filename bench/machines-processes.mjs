import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { readCpuMs } from './cpu-time.mjs'
import { computeMedian } from './statistics.mjs'

const here = path => fileURLToPath(new URL(path, import.meta.url))
const LEASE_MS = 3000

/** Two servers that run nothing themselves, and workers with room for some tasks each, as processes on one database. */
export async function startMachines(url, workerCount = 2, concurrency = 32, leaseMs = LEASE_MS) {
  const flags = [
    '--store',
    url,
    '--lease',
    String(leaseMs),
    '--tools',
    here('machines-tools.mjs'),
    '--log-level',
    'warn',
  ]
  const servers = [1, 2].map(() => start(['serve', '--port', '0', '--no-work', '--concurrency', '10000', ...flags]))
  const workers = Array.from({ length: workerCount }, () =>
    start(['worker', '--concurrency', String(concurrency), ...flags]),
  )
  const machines = [...servers, ...workers]
  await Promise.all(machines.map(({ ready }) => ready))
  return {
    servers,
    workers,
    urls: await Promise.all(servers.map(({ ready }) => ready)),
    async close() {
      await Promise.all(machines.map(kill))
    },
  }
}

export function start(argv) {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-bench-machine-'))
  const moments = join(folder, 'moments')
  const child = spawn(process.execPath, [here('../dist/cli/main.js'), ...argv], {
    env: { ...process.env, MOMENTS: moments },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let text = ''
  const ready = new Promise((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', piece => {
      text += piece
      const found = /(?:listens on|works for) (\S+)/.exec(text)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', code => reject(new Error(`A process ended with ${code}: ${text}`)))
  })
  const readMoments = executionId => {
    const lines = existsSync(moments)
      ? readFileSync(moments, 'utf8')
          .split('\n')
          .filter(line => line !== '')
      : []
    return lines.map(line => JSON.parse(line)).filter(each => each.executionId === executionId)
  }
  return { child, ready, readMoments, folder }
}

export async function kill({ child, folder }) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
  rmSync(folder, { recursive: true, force: true })
}

/** POSTs a workflow; resolves with its id and events as they arrive, each with its time. */
export async function post(url, tasks, options = {}) {
  const response = await fetch(`${url}/executions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream' },
    body: JSON.stringify({ workflow: { tasks }, options }),
  })
  if (!response.ok) throw new Error(await response.text())
  return { executionId: response.headers.get('execution-id'), events: readEvents(response) }
}

export async function follow(url, executionId) {
  const response = await fetch(`${url}/executions/${executionId}/events`, { headers: { Accept: 'text/event-stream' } })
  return readEvents(response)
}

export async function* readEvents(response) {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body) {
    const at = now()
    text += decoder.decode(chunk, { stream: true })
    const frames = text.split('\n\n')
    text = frames.pop()
    for (const frame of frames) {
      const [, id] = /^id: (.*)$/m.exec(frame) ?? []
      if (id !== undefined)
        yield { id, at, type: /^event: (.*)$/m.exec(frame)[1], json: /^data: (.*)$/m.exec(frame)[1] }
    }
  }
}

export const now = () => performance.timeOrigin + performance.now()

export async function find(events, type) {
  for (;;) {
    const { value, done } = await events.next()
    if (done) throw new Error(`The stream ended before ${type}`)
    if (value.type === type) return value
  }
}

export const median = values => computeMedian(values)
export const percentile = (values, share) => values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1]

/** From SIGKILL of a worker to the next attempt of its task, and of a coordinator to the takeover, as a client sees it, ms. */
export async function measureTakeovers(url, { rounds }) {
  const workerMs = []
  const coordinatorMs = []
  for (let round = 0; round < rounds; round++) {
    const machines = await startMachines(url)
    try {
      const { executionId, events } = await post(machines.urls[0], [{ id: 'a', tool: 'hang', timeoutMs: 600_000 }])
      const other = await follow(machines.urls[1], executionId)
      await find(events, 'task_start')
      const busy = await untilBusy(machines.workers, executionId)
      const killedAt = now()
      await kill(busy)
      workerMs.push((await find(events, 'task_start')).at - killedAt)
      await untilBusy(
        machines.workers.filter(worker => worker !== busy),
        executionId,
      )
      const coordinatorKilledAt = now()
      await kill(machines.servers[0])
      coordinatorMs.push((await find(other, 'execution_resumed')).at - coordinatorKilledAt)
    } finally {
      await machines.close()
    }
  }
  return {
    workerMs: median(workerMs),
    workerMaxMs: Math.max(...workerMs),
    coordinatorMs: median(coordinatorMs),
    coordinatorMaxMs: Math.max(...coordinatorMs),
  }
}

/** The first worker that noted a beginning of the task, once one did. */
export async function untilBusy(workers, executionId) {
  for (;;) {
    const busy = workers.find(({ readMoments }) => readMoments(executionId).length > 0)
    if (busy !== undefined) return busy
    await sleep(5)
  }
}

/**
 * From a request to cancel to the signal of the tool, ms.
 * @param isDirect whether the coordinator gets the request, rather than the other server
 */
export async function measureCancel(url, { count, isDirect = false }) {
  const machines = await startMachines(url)
  try {
    const samples = []
    for (let at = 0; at < count; at++) {
      const { executionId, events } = await post(machines.urls[at % 2], [{ id: 'a', tool: 'hang' }])
      await find(events, 'task_start')
      await untilBusy(machines.workers, executionId)
      const startedAt = now()
      const asked = machines.urls[isDirect ? at % 2 : (at + 1) % 2]
      await (await fetch(`${asked}/executions/${executionId}/cancel`, { method: 'POST' })).text()
      await find(events, 'execution_complete')
      const moments = machines.workers.flatMap(({ readMoments }) => readMoments(executionId))
      samples.push(moments.find(({ moment }) => moment === 'aborted').at - startedAt)
    }
    return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99), max: Math.max(...samples) }
  } finally {
    await machines.close()
  }
}

/** How much later a reader of the other server has an event than a reader of the coordinator, ms. */
export async function measureVisible(url, { count }) {
  const machines = await startMachines(url)
  try {
    const task = { id: 'a', tool: 'emit', arguments: { count, everyMs: 60 }, timeoutMs: 600_000 }
    const { executionId, events } = await post(machines.urls[0], [task])
    const other = await follow(machines.urls[1], executionId)
    const collect = async stream => {
      const times = new Map()
      for await (const { id, at } of stream) times.set(id, at)
      return times
    }
    const [near, far] = await Promise.all([collect(events), collect(other)])
    const samples = [...near].flatMap(([id, at]) => (far.has(id) ? [far.get(id) - at] : [])).slice(5)
    return { p50: percentile(samples, 0.5), p99: percentile(samples, 0.99), count: samples.length }
  } finally {
    await machines.close()
  }
}

/**
 * One hop of a chain of tasks that do nothing, beside the round trip of a bare queue with hints, ms. And a hop of the first round.
 * @param warmRounds rounds that do not count: a process that has just started runs code that is not optimized yet
 */
export async function measureHop(url, { count, warmRounds, rounds }) {
  const machines = await startMachines(url, 1)
  const bare = await startBareQueue(url)
  try {
    const tasks = Array.from({ length: count }, (_, at) => ({
      id: `t${at}`,
      tool: 'noop',
      ...(at > 0 && { dependsOn: [`t${at - 1}`] }),
    }))
    const samples = { hopMs: [], bareMs: [], factor: [] }
    let firstHopMs
    for (let round = 0; round < warmRounds + rounds; round++) {
      await bare.vacuum()
      const startedAt = now()
      await find((await post(machines.urls[0], tasks)).events, 'execution_complete')
      const hopMs = (now() - startedAt) / count
      firstHopMs ??= hopMs
      const bareStartedAt = now()
      for (let at = 0; at < count; at++) await bare.roundTrip()
      const bareMs = (now() - bareStartedAt) / count
      if (round < warmRounds) continue
      for (const [name, value] of Object.entries({ hopMs, bareMs, factor: hopMs / bareMs })) samples[name].push(value)
    }
    return {
      firstHopMs,
      ...Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, median(values)])),
    }
  } finally {
    await bare.close()
    await machines.close()
  }
}

/** A producer and a worker on one table, each with a connection to listen and one to write. */
async function startBareQueue(url) {
  const [producer, producerHints, worker, workerHints] = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const client = new pg.Client(url)
      await client.connect()
      return client
    }),
  )
  await producer.query(
    'CREATE TABLE IF NOT EXISTS bare_jobs (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text, worker text)',
  )
  await producer.query('CREATE TABLE IF NOT EXISTS bare_results (number bigint PRIMARY KEY, body text)')
  await workerHints.query('LISTEN bare_jobs')
  await producerHints.query('LISTEN bare_results')
  const take = `UPDATE bare_jobs SET worker = 'w' WHERE number IN (
    SELECT number FROM bare_jobs WHERE worker IS NULL ORDER BY number LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING number`
  const settle = `WITH gone AS (DELETE FROM bare_jobs WHERE number = $1 RETURNING number)
    INSERT INTO bare_results SELECT number, 'null' FROM gone`
  const work = async () => {
    const { rows } = await worker.query({ name: 'take', text: take })
    for (const { number } of rows) {
      await worker.query({ name: 'settle', text: settle, values: [number] })
      await worker.query('NOTIFY bare_results')
    }
  }
  workerHints.on('notification', () => void work())
  return {
    async roundTrip() {
      const settled = once(producerHints, 'notification')
      await producer.query({ name: 'add', text: "INSERT INTO bare_jobs (body) VALUES ('{}')" })
      await producer.query('NOTIFY bare_jobs')
      await settled
      await producer.query({ name: 'consume', text: 'DELETE FROM bare_results' })
    },
    // So that dead rows of earlier rounds slow neither.
    vacuum: () => producer.query('VACUUM'),
    close: () => Promise.all([producer, producerHints, worker, workerHints].map(client => client.end())),
  }
}

/**
 * Tasks that do nothing on two workers with room for 32 each, beside two bare workers that take 32 jobs at a time, or one; per second.
 * And the rate of the first round, and the CPU time of a task by process, ms.
 * @param warmRounds as for a hop
 */
export async function measureThroughput(url, { count, warmRounds, rounds, databasePid }) {
  const machines = await startMachines(url)
  const clients = await Promise.all(
    [1, 2].map(async () => {
      const client = new pg.Client(url)
      await client.connect()
      return client
    }),
  )
  try {
    const [client] = clients
    await client.query(
      'CREATE TABLE many_jobs (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text, worker text)',
    )
    await client.query('CREATE TABLE many_results (number bigint PRIMARY KEY, body text)')
    const tasks = Array.from({ length: count }, (_, at) => ({ id: `t${at}`, tool: 'noop' }))
    const samples = {}
    let firstPerSecond
    const cpu = () => ({
      coordinatorCpuMs: readCpuMs(machines.servers[0].child.pid),
      workerCpuMs: machines.workers.reduce((sum, { child }) => sum + readCpuMs(child.pid), 0),
      databaseCpuMs: readCpuMs(databasePid),
    })
    const perTask = (from, to) =>
      Object.fromEntries(Object.keys(to).map(name => [name, (to[name] - from[name]) / count]))
    for (let round = 0; round < warmRounds + rounds; round++) {
      // So that dead rows slow none of the three.
      await client.query('VACUUM')
      const before = cpu()
      const startedAt = now()
      const complete = await find(
        (await post(machines.urls[0], tasks, { maxConcurrency: 10_000 })).events,
        'execution_complete',
      )
      if (!complete.json.includes('"status":"success"')) throw new Error(complete.json.slice(0, 500))
      const perSecond = (count * 1000) / (now() - startedAt)
      firstPerSecond ??= perSecond
      const between = cpu()
      const barePerSecond = await runBare(clients, count, 32)
      const bareDatabaseCpuMs = perTask(between, cpu()).databaseCpuMs
      await client.query('VACUUM')
      const bareSinglePerSecond = await runBare(clients, count, 1)
      if (round < warmRounds) continue
      const sample = {
        perSecond,
        barePerSecond,
        bareSinglePerSecond,
        share: perSecond / barePerSecond,
        shareOfSingle: perSecond / bareSinglePerSecond,
        ...perTask(before, between),
        bareDatabaseCpuMs,
      }
      for (const [name, value] of Object.entries(sample)) (samples[name] ??= []).push(value)
    }
    return {
      firstPerSecond,
      ...Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, median(values)])),
    }
  } finally {
    await Promise.all(clients.map(client => client.end()))
    await machines.close()
  }
}

async function runBare(clients, count, batch) {
  await clients[0].query(`INSERT INTO many_jobs (body) SELECT '{}' FROM generate_series(1, ${count})`)
  const text = `UPDATE many_jobs SET worker = 'w' WHERE number IN (
    SELECT number FROM many_jobs WHERE worker IS NULL ORDER BY number LIMIT ${batch} FOR UPDATE SKIP LOCKED) RETURNING number`
  const settle = `WITH gone AS (DELETE FROM many_jobs WHERE number = ANY ($1) RETURNING number)
    INSERT INTO many_results SELECT number, 'null' FROM gone`
  const startedAt = now()
  const work = async client => {
    for (;;) {
      const { rows } = await client.query({ name: `take ${batch}`, text })
      if (rows.length === 0) return
      await client.query({ name: 'settle', text: settle, values: [rows.map(({ number }) => number)] })
    }
  }
  await Promise.all(clients.map(work))
  return (count * 1000) / (now() - startedAt)
}
