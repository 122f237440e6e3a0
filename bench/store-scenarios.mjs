import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import {
  compileWorkflow,
  createMemoryStore,
  EventLog,
  loadDriver,
  loadStore,
  LogEntry,
  StreamingExecutor,
} from './library.mjs'
import { createRandom } from './random.mjs'
import { createShape, toNoopWorkflow } from './shapes.mjs'
import { computeMedian } from './statistics.mjs'

const ROUNDS = 7
const BATCH = 100
const PAGE = 128
const LOOKUPS = 200
const timestamp = '2026-01-01T00:00:00.000Z'

const { openSqliteStore } = await loadStore()
const driver = await loadDriver()

const SCENARIOS = { tasks: measureTasks, events: measureEvents, large: measureLarge }

/** One scenario in a directory of its own. @returns {Promise<Record<string, number>>} */
export async function measureStore({ scenario, ...parameters }) {
  const directory = mkdtempSync(join(tmpdir(), 'dagstream-bench-'))
  try {
    return await SCENARIOS[scenario](directory, parameters)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** The same execution on memory and on SQLite, and its writes repeated by the bare driver. */
async function measureTasks(directory, { shape, taskCount, seed }) {
  const noop = async () => {}
  const plan = compileWorkflow(toNoopWorkflow(createShape(shape, taskCount, seed)), { noop })
  const run = async store => {
    const startedAt = performance.now()
    const { status } = await new StreamingExecutor({ noop }, { store }).execute(plan)
    if (status !== 'success') throw new Error(`Expected success, got ${status}`)
    return performance.now() - startedAt
  }
  const batches = []
  const recording = createMemoryStore()
  // Behind a promise, as SQLite answers: that decides which events come together.
  await run({
    ...recording,
    async append(lease, firstSeq, entries) {
      await new Promise(resolve => setImmediate(resolve))
      batches.push(entries.map(({ type, json }) => [type, json]))
      recording.append(lease, firstSeq, entries)
    },
  })
  const samples = { memoryMs: [], sqliteMs: [], driverMs: [], addedFactor: [] }
  for (let round = 0; round <= ROUNDS; round++) {
    const memoryMs = await run(createMemoryStore())
    const store = await openSqliteStore(join(directory, `store-${round}.db`))
    const sqliteMs = await run(store)
    await store.close()
    const bare = openBare(join(directory, `bare-${round}.db`))
    const driverMs = time(() => {
      let seq = 0
      for (const batch of batches) {
        bare.exec('BEGIN IMMEDIATE')
        for (const [type, json] of batch) bare.append(1, (seq += 1), type, json)
        bare.exec('COMMIT')
      }
    })
    bare.close()
    // The first round only warms up.
    if (round > 0) push(samples, { memoryMs, sqliteMs, driverMs, addedFactor: (sqliteMs - memoryMs) / driverMs })
  }
  return mediansOf(samples)
}

/** Events of 1 KB, appended in batches and read back in pages. */
async function measureEvents(directory, { eventCount }) {
  const executionId = 'execution'
  const json = JSON.stringify({ executionId, timestamp, taskId: 'task', attempt: 1, text: 'x'.repeat(930) })
  const data = { executionId, timestamp }
  const samples = { storeAppendUs: [], storeReadUs: [], driverAppendUs: [], driverReadUs: [], factor: [] }
  for (let round = 0; round <= ROUNDS; round++) {
    const entries = Array.from({ length: eventCount }, (_, at) => new LogEntry(at + 1, 'token', data, json))
    const store = await openSqliteStore(join(directory, `store-${round}.db`))
    await store.create({ executionId, createdAt: timestamp })
    const lease = await store.claim(executionId)
    const storeAppendMs = await timeLater(async () => {
      for (let at = 0; at < eventCount; at += BATCH) await store.append(lease, at + 1, entries.slice(at, at + BATCH))
    })
    const storeReadMs = await timeLater(async () => {
      for (let seq = 0; seq < eventCount; ) seq = (await store.read(executionId, seq, PAGE)).at(-1).seq
    })
    await store.close()
    const bare = openBare(join(directory, `bare-${round}.db`))
    const driverAppendMs = time(() => {
      for (let at = 0; at < eventCount; at += BATCH) {
        bare.exec('BEGIN IMMEDIATE')
        for (let n = at; n < at + BATCH; n++) bare.append(1, n + 1, 'token', json)
        bare.exec('COMMIT')
      }
    })
    const driverReadMs = time(() => {
      for (let seq = 0; seq < eventCount; ) seq = bare.read(1, seq, 1, PAGE).at(-1).seq
    })
    bare.close()
    if (round === 0) continue
    const perEvent = ms => (ms * 1000) / eventCount
    push(samples, {
      storeAppendUs: perEvent(storeAppendMs),
      storeReadUs: perEvent(storeReadMs),
      driverAppendUs: perEvent(driverAppendMs),
      driverReadUs: perEvent(driverReadMs),
      factor: (storeAppendMs + storeReadMs) / (driverAppendMs + driverReadMs),
    })
  }
  return mediansOf(samples)
}

/** A file that has been written for a while. */
async function measureLarge(directory, { executionCount, eventsEach, seed }) {
  const file = join(directory, 'large.db')
  await fill(file, executionCount, eventsEach)
  const random = createRandom(seed)
  const pick = () => Math.floor(random() * executionCount)
  const opened = []
  for (let round = 0; round < ROUNDS; round++) {
    const startedAt = performance.now()
    const store = await openSqliteStore(file)
    await store.list({ limit: 1 })
    opened.push(performance.now() - startedAt)
    await store.close()
  }
  const store = await openSqliteStore(file)
  const samples = { listMs: [], listOfOwnerMs: [], readMs: [], restoreMs: [] }
  for (let n = 0; n < LOOKUPS; n++) {
    const after = { createdAt: createdAt(pick()), executionId: '' }
    const executionId = nameOf(pick())
    push(samples, {
      listMs: await timeLater(() => store.list({ after, limit: 100 })),
      listOfOwnerMs: await timeLater(() => store.list({ owner: 'owner 3', after, limit: 100 })),
      readMs: await timeLater(() => store.read(executionId, 0, PAGE)),
      restoreMs: await timeLater(async () => {
        await store.get(nameOf(pick()))
        await EventLog.restore(nameOf(pick()), store)
      }),
    })
  }
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const backupMs = await timeLater(() => store.backup(join(directory, 'backup.db')))
  delay.disable()
  await store.close()
  const fileMegabytes = statSync(file).size / 1e6
  return {
    openMs: computeMedian(opened),
    ...mediansOf(samples),
    backupMs,
    backupStallMs: delay.max / 1e6,
    fileMegabytes,
  }
}

async function fill(file, executionCount, eventsEach) {
  const store = await openSqliteStore(file)
  const write = async at => {
    const executionId = nameOf(at)
    await store.create({ executionId, createdAt: createdAt(at), owner: `owner ${at % 10}`, workflow: '{"tasks":[]}' })
    const lease = await store.claim(executionId)
    const info = { executionId, timestamp, level: 'info', message: 'x'.repeat(150) }
    const entries = Array.from({ length: eventsEach - 1 }, (_, n) => new LogEntry(n + 1, 'info', info))
    const counts = { totalTasks: 0, successCount: 0, errorCount: 0, skippedCount: 0, cancelledCount: 0 }
    const end = { executionId, timestamp, status: 'success', ...counts }
    await store.append(lease, 1, [...entries, new LogEntry(eventsEach, 'execution_complete', end)])
  }
  for (let at = 0; at < executionCount; at += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, n) => write(at + n)))
  }
  await store.close()
}

const nameOf = at => `execution-${at}`
const createdAt = at => new Date(Date.UTC(2026, 0, 1) + at * 1000).toISOString()

/** The same table in the same mode, without a store around it. */
function openBare(path) {
  const connection = driver.open(path)
  connection.query('PRAGMA journal_mode = WAL')()
  connection.exec('PRAGMA synchronous = NORMAL')
  connection.exec('CREATE TABLE events (place INTEGER PRIMARY KEY, type TEXT NOT NULL, json TEXT NOT NULL)')
  return {
    exec: connection.exec,
    close: connection.close,
    append: connection.command('INSERT INTO events (place, type, json) VALUES ((? << 32 | ?), ?, ?)'),
    read: connection.query(
      `SELECT place & 4294967295 AS seq, type, json FROM events WHERE place > (? << 32 | ?) AND place < ((? + 1) << 32)
       ORDER BY place LIMIT ?`,
    ),
  }
}

function time(work) {
  const startedAt = performance.now()
  work()
  return performance.now() - startedAt
}

async function timeLater(work) {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

function push(samples, values) {
  for (const [name, value] of Object.entries(values)) samples[name].push(value)
}

function mediansOf(samples) {
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, computeMedian(values)]))
}
