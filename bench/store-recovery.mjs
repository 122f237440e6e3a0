import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { loadStore, StreamingExecutor } from './library.mjs'

const FINISHED = 10_000
const UNFINISHED = 10
const executionId = 'interrupted'
const file = () => fileURLToPath(import.meta.url)

/**
 * How long a process that has just started takes from the file of one that was killed to the first attempt of what was cut.
 * Another process leaves the file, so that nothing here is warm.
 * @returns {Promise<{ firstAttemptMs: number, openMs: number }>}
 */
export async function measureRecovery() {
  const directory = mkdtempSync(join(tmpdir(), 'dagstream-bench-'))
  const path = join(directory, 'store.db')
  try {
    const { signal } = spawnSync(process.execPath, [file(), path], {
      timeout: 60_000,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    if (signal !== 'SIGKILL') throw new Error(`Expected a process that was killed, got ${signal}`)
    const startedAt = performance.now()
    const { openSqliteStore } = await loadStore()
    const store = await openSqliteStore(path)
    const openMs = performance.now() - startedAt
    const firstAttemptMs = await new Promise((resolve, reject) => {
      const hang = () => {
        resolve(performance.now() - startedAt)
        return null
      }
      const executor = new StreamingExecutor({ noop: () => reject(new Error('Called again')), hang }, { store })
      executor.resume(executionId).catch(reject)
    })
    await store.close()
    return { openMs, firstAttemptMs }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Ends as a killed process does once all but the last tasks are in the file. */
async function leave(path) {
  const { openSqliteStore } = await loadStore()
  const store = await openSqliteStore(path)
  const tasks = [
    ...Array.from({ length: FINISHED }, (_, n) => ({ id: `done ${n}`, tool: 'noop', arguments: { n } })),
    ...Array.from({ length: UNFINISHED }, (_, n) => ({ id: `cut ${n}`, tool: 'hang' })),
  ]
  const noop = ({ n }) => ({ n, text: 'the output of a task' })
  const executor = new StreamingExecutor(
    { noop, hang: () => new Promise(() => {}) },
    { store, createId: () => executionId },
  )
  let settledCount = 0
  for await (const { type } of executor.stream({ tasks })) {
    if (type === 'task_complete') settledCount += 1
    if (settledCount === FINISHED) process.kill(process.pid, 'SIGKILL')
  }
}

if (process.argv[1] === file() && process.argv[2] !== undefined) await leave(process.argv[2])
