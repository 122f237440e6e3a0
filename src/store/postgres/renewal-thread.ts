import { setTimeout as sleep } from 'node:timers/promises'
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { Client } from 'pg'
import { RenewalLoop } from './cluster/renewal-loop.ts'
import type { RenewalChange, RenewalCommand, RenewalData } from './cluster/renewal-messages.ts'
import { SharedLimits } from './cluster/shared-limits.ts'
import type { Row } from './connection/database.ts'
import { loadDriver } from './connection/load-driver.ts'
import type { Statement } from './sql/statement.ts'

// The thread that renews the orders of a worker, with a connection of its own. The build makes it a file of its own.

const { config, workerId, ttlMs, pulse, pulseMs } = workerData as RenewalData
const { Client: PostgresClient } = await loadDriver()
const port = parentPort
const beats = new Int32Array(pulse)
let client: Client | undefined
const closing = new AbortController()
const limits = new SharedLimits()

const loop = new RenewalLoop({
  workerId,
  ttlMs,
  limits,
  now: () => performance.now(),
  query,
  onRenewed: renewed => port?.postMessage(renewed),
})

while (!closing.signal.aborted) {
  receive()
  try {
    await loop.tick(Atomics.load(beats, 0))
  } catch {
    // The database is away. The next turn connects again; the leases outlast a short outage.
    disconnect()
  }
  await sleep(pulseMs)
}
await client?.end()
port?.close()

/** Messages wait for the next turn: none of them wakes the thread. */
function receive(): void {
  if (port === null) return
  for (let found = receiveMessageOnPort(port); found !== undefined; found = receiveMessageOnPort(port)) {
    const command = found.message as RenewalCommand
    if (command.type === 'close') closing.abort()
    else if (command.type === 'page') limits.addPage(command.memory)
    else for (const change of command.changes) apply(change)
  }
}

function apply(change: RenewalChange): void {
  if (typeof change === 'number') return loop.end(change)
  const [place, executionId, taskId, attempt] = change
  loop.begin({ executionId, taskId, attempt }, place)
}

async function query({ name, text }: Statement, values: readonly unknown[]): Promise<readonly Row[]> {
  client ??= await connect()
  return (await client.query({ name, text, values: [...values] })).rows as readonly Row[]
}

async function connect(): Promise<Client> {
  const made = new PostgresClient({ ...config, query_timeout: ttlMs })
  made.on('error', disconnect)
  await made.connect()
  return made
}

function disconnect(): void {
  void client?.end().catch(() => {})
  client = undefined
}
