import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { expectEnd, openStream } from './http-client.mjs'
import {
  find,
  follow,
  kill,
  measureCancel,
  measureVisible,
  median,
  now,
  percentile,
  post,
  start,
  startMachines,
} from './machines-processes.mjs'

const TOOLS = fileURLToPath(new URL('machines-tools.mjs', import.meta.url))

/** Clock ticks of the kernel per second. */
const TICKS = 100

/** CPU time of a process so far, without its children, ms. */
function readCpu(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS
}

/** CPU time of all processes of a database, ms. Those that end meanwhile are missing; its connections are kept. */
async function readDatabaseCpu(client) {
  const { rows } = await client.query('SELECT pid FROM pg_stat_activity')
  return rows.reduce((sum, { pid }) => sum + readCpu(pid), 0)
}

/**
 * Readers of one execution that emits as fast as it can: half of them at each of two servers on PostgreSQL, beside all of them at
 * one server on SQLite. Events delivered per second of the clock, and per second of CPU of the servers; alternating.
 */
export async function measureReaders(url, { readerCount, count, rounds }) {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-bench-readers-'))
  const machines = await startMachines(url, 1)
  const flags = ['--store', join(folder, 'store.db'), '--tools', TOOLS, '--log-level', 'warn']
  const single = start(['serve', '--port', '0', ...flags])
  try {
    const alone = await single.ready
    const shared = { urls: machines.urls, servers: machines.servers }
    const sides = { two: shared, one: { urls: [alone], servers: [single] } }
    const samples = { two: [], one: [], twoPerCpu: [], onePerCpu: [], factor: [], factorOfCpu: [] }
    for (let round = 0; round <= rounds; round++) {
      const found = {}
      for (const name of round % 2 === 0 ? ['two', 'one'] : ['one', 'two']) {
        found[name] = await deliver(sides[name], { readerCount, count, path: join(folder, `go-${round}-${name}`) })
      }
      if (round === 0) continue
      samples.two.push(found.two.perSecond)
      samples.one.push(found.one.perSecond)
      samples.twoPerCpu.push(found.two.perCpuSecond)
      samples.onePerCpu.push(found.one.perCpuSecond)
      samples.factor.push(found.two.perSecond / found.one.perSecond)
      samples.factorOfCpu.push(found.two.perCpuSecond / found.one.perCpuSecond)
    }
    return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, median(values)]))
  } finally {
    await kill(single)
    await machines.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function deliver({ urls, servers }, { readerCount, count, path }) {
  const tasks = [{ id: 'a', tool: 'burst', arguments: { count, perTurn: 10, path }, timeoutMs: 600_000 }]
  const answer = await fetch(`${urls[0]}/executions`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Prefer: 'respond-async' },
    body: JSON.stringify({ workflow: { tasks } }),
  })
  const { executionId } = await answer.json()
  const request = { path: `/executions/${executionId}/events`, headers: { accept: 'text/event-stream' } }
  const streams = []
  // A burst of connections beyond the backlog of a server would wait for a second attempt.
  while (streams.length < readerCount) {
    const more = Array.from({ length: Math.min(50, readerCount - streams.length) }, (_, at) =>
      openStream(urls[(streams.length + at) % urls.length], request),
    )
    await Promise.all(more.map(({ head }) => head))
    streams.push(...more)
  }
  const readAll = () => servers.reduce((sum, { child }) => sum + readCpu(child.pid), 0)
  const before = readAll()
  const startedAt = now()
  writeFileSync(path, '')
  await Promise.all(streams.map(expectEnd))
  const delivered = readerCount * count
  return {
    perSecond: (delivered * 1000) / (now() - startedAt),
    perCpuSecond: (delivered * 1000) / (readAll() - before),
  }
}

/**
 * Tasks that emit tokens at a pace, read at the server that does not coordinate them: how long after the time of its event each is
 * seen, ms; tokens that are missing; CPU of the coordinator, the other server and the database, as shares of a core.
 */
export async function measureTokens(url, { taskCount, perSecond, seconds }) {
  const machines = await startMachines(url, 2, 64, 10_000)
  const client = new pg.Client(url)
  await client.connect()
  try {
    const count = perSecond * seconds
    const tasks = Array.from({ length: taskCount }, (_, at) => ({
      id: `t${at}`,
      tool: 'emit',
      arguments: { count, everyMs: 1000 / perSecond },
      timeoutMs: 600_000,
    }))
    const { executionId, events } = await post(machines.urls[0], tasks, { maxConcurrency: taskCount })
    const other = await follow(machines.urls[1], executionId)
    const drained = drain(events)
    const texts = new Map(tasks.map(({ id }) => [id, '']))
    const delays = []
    const pids = machines.servers.map(({ child }) => child.pid)
    let before
    let startedAt = 0
    for await (const { type, json, at } of other) {
      if (type !== 'token') continue
      // From the first token on: the start of the processes is none of it.
      before ??= { servers: pids.map(readCpu), database: await readDatabaseCpu(client) }
      startedAt ||= now()
      const { taskId, attempt, text, timestamp } = JSON.parse(json)
      // A second attempt would emit all of them again.
      if (attempt > 1) throw new Error(`Task ${taskId} was interrupted: the machine is too busy to measure this`)
      texts.set(taskId, texts.get(taskId) + text)
      delays.push(at - Date.parse(timestamp))
    }
    const elapsedMs = now() - startedAt
    const [coordinator, reader] = pids.map((pid, at) => (readCpu(pid) - before.servers[at]) / elapsedMs)
    const database = ((await readDatabaseCpu(client)) - before.database) / elapsedMs
    await drained
    const whole = Array.from({ length: count }, (_, at) => `${at} `).join('')
    const lostCount = [...texts.values()].filter(text => text !== whole).length
    return {
      p50: percentile(delays, 0.5),
      p99: percentile(delays, 0.99),
      lostCount,
      coordinator,
      reader,
      database,
      perSecond: (taskCount * count * 1000) / elapsedMs,
    }
  } finally {
    await client.end()
    await machines.close()
  }
}

async function drain(events) {
  await find(events, 'execution_complete')
}

/** The same as with hints, behind a relay in which `LISTEN` has no effect, ms. */
export async function measureWithoutHints(url, { count }) {
  const relay = await startDeafRelay(url)
  try {
    const visible = await measureVisible(relay.url, { count })
    const cancel = await measureCancel(relay.url, { count: Math.ceil(count / 4), isDirect: true })
    return { visibleP50: visible.p50, visibleP99: visible.p99, cancelP50: cancel.p50, cancelMax: cancel.max }
  } finally {
    relay.close()
  }
}

/** A relay that replaces `LISTEN` by a statement of the same length that does nothing. */
async function startDeafRelay(url) {
  const target = new URL(url)
  const sockets = new Set()
  const [heard, deaf] = ['LISTEN dagstream', 'SELECT 1        '].map(text => Buffer.from(text))
  const server = createServer(client => {
    const database = connect(Number(target.port), target.hostname)
    for (const socket of [client, database]) {
      sockets.add(socket.setNoDelay(true))
      socket
        .on('error', () => {})
        .on('close', () => {
          sockets.delete(socket)
          client.destroy()
          database.destroy()
        })
    }
    client.on('data', data => {
      const at = data.indexOf(heard)
      if (at >= 0) deaf.copy(data, at)
      database.write(data)
    })
    database.on('data', data => client.write(data))
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const relayed = new URL(url)
  relayed.port = String(server.address().port)
  return {
    url: relayed.href,
    close() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
