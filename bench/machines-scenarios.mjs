import pg from 'pg'
import { loadPostgres, LogEntry } from './library.mjs'
import {
  measureCancel,
  measureHop,
  measureTakeovers,
  measureThroughput,
  measureVisible,
} from './machines-processes.mjs'
import { measureReaders, measureTokens, measureWithoutHints } from './machines-streams.mjs'
import { prepareQueue } from './machines-queue.mjs'
import { startPostgres } from './postgres-server.mjs'
import { computeMedian } from './statistics.mjs'

const ROUNDS = 5
const BATCH = 100
const timestamp = '2026-01-01T00:00:00.000Z'

const SCENARIOS = { append: measureAppend, orders: measureOrders, queue: measureQueue }

/** Those with servers and workers as processes. */
const PROCESSES = {
  takeovers: measureTakeovers,
  cancel: measureCancel,
  visible: measureVisible,
  hop: measureHop,
  throughput: measureThroughput,
  readers: measureReaders,
  tokens: measureTokens,
  'without hints': measureWithoutHints,
}

/** One scenario on a server of PostgreSQL of its own. @returns {Promise<Record<string, number>>} */
export async function measureMachines({ scenario, ...parameters }) {
  const { openPostgresStore, migratePostgresStore } = await loadPostgres()
  const server = await startPostgres()
  try {
    await migratePostgresStore(server.url)
    if (scenario in PROCESSES) return await PROCESSES[scenario](server.url, { ...parameters, databasePid: server.pid })
    const store = await openPostgresStore(server.url)
    const bare = new pg.Client(server.url)
    await bare.connect()
    try {
      return await SCENARIOS[scenario](store, bare, parameters)
    } finally {
      await bare.end()
      await store.close()
    }
  } finally {
    await server.close()
  }
}

/** Events of 1 KB, 100 at a time, beside the least that could do it: one fenced statement on one connection. */
async function measureAppend(store, bare, { eventCount }) {
  await bare.query('CREATE TABLE heads (id text PRIMARY KEY, epoch bigint NOT NULL, last_seq bigint NOT NULL)')
  await bare.query('CREATE TABLE entries (id text, seq bigint, type text, json text, PRIMARY KEY (id, seq))')
  const text = `WITH fence AS (UPDATE heads SET last_seq = last_seq + cardinality($4::text[]) WHERE id = $1 AND epoch = $2 AND last_seq = $3 RETURNING id)
    INSERT INTO entries SELECT id, $3::bigint + place, type, json FROM fence, unnest($4::text[], $5::text[]) WITH ORDINALITY AS e (type, json, place)`
  const samples = { storeUs: [], bareUs: [], factor: [] }
  for (let round = 0; round <= ROUNDS; round++) {
    const executionId = `execution-${round}`
    const json = JSON.stringify({ executionId, timestamp, taskId: 'task', attempt: 1, text: 'x'.repeat(930) })
    const entries = Array.from(
      { length: eventCount },
      (_, at) => new LogEntry(at + 1, 'token', { executionId, timestamp, text: '' }, json),
    )
    await store.create({ executionId, createdAt: timestamp })
    const lease = await store.claim(executionId)
    await bare.query('INSERT INTO heads VALUES ($1, 1, 0)', [executionId])
    const [types, texts] = [Array(BATCH).fill('token'), Array(BATCH).fill(json)]
    const [storeMs, bareMs] = [[], []]
    // Batch by batch in turn: a disk that is busy for a while slows both.
    for (let at = 0; at < eventCount; at += BATCH) {
      storeMs.push(await time(() => store.append(lease, at + 1, entries.slice(at, at + BATCH))))
      bareMs.push(await time(() => bare.query({ name: 'append', text, values: [executionId, 1, at, types, texts] })))
    }
    if (round === 0) continue
    const perEvent = sum => (sum * 1000) / eventCount
    push(samples, {
      storeUs: perEvent(add(storeMs)),
      bareUs: perEvent(add(bareMs)),
      factor: add(storeMs) / add(bareMs),
    })
  }
  return mediansOf(samples)
}

/** Orders that do nothing, taken and settled ten at a time, beside a bare queue of `SKIP LOCKED`. */
async function measureOrders(store, bare, { orderCount }) {
  const free = 10
  await bare.query('CREATE TABLE jobs (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text, worker text)')
  await bare.query('CREATE TABLE results (number bigint PRIMARY KEY, body text)')
  const take = `UPDATE jobs SET worker = 'w' WHERE number IN (
    SELECT number FROM jobs WHERE worker IS NULL ORDER BY number LIMIT ${free} FOR UPDATE SKIP LOCKED) RETURNING number`
  const settle = `WITH gone AS (DELETE FROM jobs WHERE number = ANY ($1) RETURNING number)
    INSERT INTO results SELECT number, $2 FROM gone`
  const member = { memberId: 'w', role: 'worker', startedAt: timestamp, running: 0, capacity: free, version: '0' }
  await store.members.announce({ ...member, tools: [{ name: 'noop' }] }, 'store', 600_000)
  const report = { status: 'success', outputJson: 'null', executionTimeMs: 0 }
  const samples = { storeUs: [], bareUs: [], factor: [] }
  for (let round = 0; round <= ROUNDS; round++) {
    const executionId = `execution-${round}`
    const { lease } = await store.leases.create('server', { executionId, createdAt: timestamp }, 600_000)
    const orders = Array.from({ length: orderCount }, (_, n) => ({
      command: {
        executionId,
        taskId: `t${n}`,
        attempt: 1,
        tool: 'noop',
        arguments: {},
        mayHoldJsonNumbers: false,
        timeoutMs: 0,
        idempotencyKey: `t${n}`,
      },
      priority: 0,
    }))
    await store.commit(lease, 1, [], { orders, consumed: [], replies: [] })
    await bare.query(`INSERT INTO jobs (body) SELECT $1 FROM generate_series(1, ${orderCount})`, [
      JSON.stringify(orders[0].command),
    ])
    let [storeMs, bareMs] = [0, 0]
    for (let done = 0; done < orderCount; done += free) {
      storeMs += await time(async () => {
        const taken = await store.orders.take('w', free, 600_000)
        await store.inbox.post(
          'w',
          taken.map(({ command: { taskId } }) => ({
            key: { executionId, taskId, attempt: 1 },
            number: 1,
            news: { type: 'settled', report },
          })),
        )
      })
      bareMs += await time(async () => {
        const { rows } = await bare.query({ name: 'take', text: take })
        await bare.query({
          name: 'settle',
          text: settle,
          values: [rows.map(({ number }) => number), JSON.stringify(report)],
        })
      })
    }
    if (round === 0) continue
    const perOrder = sum => (sum * 1000) / orderCount
    push(samples, { storeUs: perOrder(storeMs), bareUs: perOrder(bareMs), factor: storeMs / bareMs })
  }
  return mediansOf(samples)
}

/** Tasks by a queue of BullMQ, beside BullMQ alone. */
async function measureQueue(store, bare, parameters) {
  const ends = []
  try {
    const run = await prepareQueue(store, bare, parameters, end => ends.unshift(end))
    const samples = { queueRate: [], storeRate: [], bareRate: [], share: [] }
    for (let round = 0; round <= ROUNDS; round++) {
      const figures = await run(round)
      if (round > 0) push(samples, figures)
    }
    return mediansOf(samples)
  } finally {
    for (const end of ends) await end()
  }
}

async function time(run) {
  const startedAt = performance.now()
  await run()
  return performance.now() - startedAt
}

const add = values => values.reduce((sum, value) => sum + value, 0)

function push(samples, figures) {
  for (const [name, value] of Object.entries(figures)) samples[name].push(value)
}

function mediansOf(samples) {
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, computeMedian(values)]))
}
