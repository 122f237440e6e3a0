// Clients that never read: what they cost the server's process.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { openStalled, post, readMessages } from './http.mjs'

const MIB = 1024 * 1024
const FLOOD = 32 * MIB
const READERS = 8

/** What a server may take beyond what it has after the same flood with a reader. Unbounded readers would take `READERS * FLOOD`. */
const MAX_GROWTH = 128 * MIB

/** The suite's server gives a stalled reader up after 2 s; this is when it is looked at. */
const STALL_MS = 2000
const WITHIN_MS = 6000

const flood = delayMs => [{ id: 'flood', tool: 'flood', arguments: { bytes: FLOOD, delayMs } }]

export async function checkStalledReaders({ executions, pid }) {
  await readWhole(executions)
  const before = resetPeak(pid)
  const started = await post(executions, flood(500), { prefer: 'respond-async' })
  assert.equal(started.status, 202)
  const { executionId } = await started.json()
  const startedAt = performance.now()
  const stalled = Array.from({ length: READERS }, () => openStalled(`${executions}/executions/${executionId}/events`))
  await awaitStatus(executions, executionId)
  const endedMs = Math.round(performance.now() - startedAt)
  await sleep(STALL_MS)
  await awaitNoSubscribers(executions)
  const growth = readMemory(pid, 'VmHWM') - before
  const grown = Number.isNaN(growth) ? 'memory not seen here' : `peak +${Math.round(growth / MIB)} MiB`
  assert.ok(!(growth > MAX_GROWTH), `${grown}, expected at most ${MAX_GROWTH / MIB} MiB`)
  for (const { isEnded, tail, byteCount } of await Promise.all(stalled.map(each => each.readRest(WITHIN_MS)))) {
    assert.ok(isEnded, 'a stalled connection is still open')
    // It was never held up if it has the end.
    assert.ok(!/event: (?:execution_complete|snapshot)/.test(tail), 'a stalled reader got everything')
    assert.ok(byteCount < FLOOD)
  }
  return `${grown}, ended after ${endedMs} ms`
}

/** So that the heap has the size that the flood alone needs. */
async function readWhole(executions) {
  const response = await post(executions, flood(0))
  assert.equal(response.status, 200)
  let last
  for await (const message of readMessages(response)) last = message
  // One that the log has left behind gets the state at the end instead.
  const isWhole = last?.event === 'execution_complete' || (last?.event === 'snapshot' && last.data.status === 'success')
  assert.ok(isWhole, `the stream ended early, with ${last?.event}`)
}

async function awaitStatus(executions, executionId) {
  const deadline = performance.now() + 15_000
  for (;;) {
    const { status } = await (await fetch(`${executions}/executions/${executionId}`)).json()
    if (status === 'success') return
    assert.equal(status, 'running')
    assert.ok(performance.now() < deadline, 'the stalled readers hold the execution up')
    await sleep(50)
  }
}

async function awaitNoSubscribers(executions) {
  const deadline = performance.now() + WITHIN_MS
  for (;;) {
    const text = await (await fetch(`${executions}/metrics`)).text()
    if (/^dagstream_subscribers 0$/m.test(text)) return
    assert.ok(performance.now() < deadline, 'stalled readers are not given up')
    await sleep(100)
  }
}

/** @returns the memory now; from here on the peak is counted anew */
function resetPeak(pid) {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5')
  } catch {
    return Number.NaN
  }
  return readMemory(pid, 'VmRSS')
}

/** Bytes; `NaN` where the system does not tell. */
function readMemory(pid, field) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
  } catch {
    return Number.NaN
  }
}
