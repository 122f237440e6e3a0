import type { DAGStructure, SSEEventType } from '../../src/index.ts'
import { loadDriver } from '../../src/store/sqlite/driver.ts'
import { MIGRATIONS } from '../../src/store/sqlite/schema.ts'

/** `dags`, in the header of every store's file. */
const APPLICATION_ID = 0x64616773

/** The sentence by which an earlier version recognised an attempt that was cut. */
const SENTENCE = { error: 'The process that ran it ended', code: 'INTERRUPTED' }

export const LEGACY_START: number = Date.UTC(2026, 0, 1)

/** A step of a log of an earlier version, so long after its beginning, ms. */
export type LegacyStep = readonly [afterMs: number, type: SSEEventType, data: object]

/** Of a task: it starts, is cut, fails for now, or succeeds. */
export const legacySteps = {
  start: (afterMs: number, taskId: string, attempt = 1): LegacyStep => {
    return [afterMs, 'task_start', { taskId, tool: 'work', layer: 0, attempt }]
  },
  cut: (afterMs: number, taskId: string, attempt = 1): LegacyStep => {
    return [afterMs, 'task_retry', { taskId, attempt, delayMs: 0, ...SENTENCE }]
  },
  fail: (afterMs: number, taskId: string, attempt = 1): LegacyStep => {
    return [afterMs, 'task_retry', { taskId, attempt, delayMs: 0, error: 'no', code: 'TOOL_ERROR' }]
  },
  succeed: (afterMs: number, taskId: string, output: unknown): LegacyStep => {
    const more = { attempts: 1, executionTimeMs: 5, waitMs: 0 }
    return [afterMs, 'task_complete', { taskId, tool: 'work', status: 'success', output, ...more }]
  },
}

/** Writes a store's file as an earlier version did, with one execution `x` in it: a column of notes, and none of the later events. */
export async function writeLegacyFile(
  file: string,
  workflow: DAGStructure,
  steps: readonly LegacyStep[],
  notes?: object,
  options: object = {},
): Promise<void> {
  const connection = (await loadDriver()).open(file)
  connection.query('PRAGMA journal_mode = WAL')()
  connection.exec(MIGRATIONS[0] as string)
  connection.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1`)
  connection.command(
    `INSERT INTO executions (number, id, owner, created_at, status, epoch, notes) VALUES (1, 'x', '', ?, 'running', 1, ?)`,
  )(new Date(LEGACY_START).toISOString(), notes === undefined ? null : JSON.stringify(notes))
  connection.command('INSERT INTO requests (execution, workflow, options) VALUES (1, ?, ?)')(
    JSON.stringify(workflow),
    JSON.stringify(options),
  )
  const ids = workflow.tasks.map(({ id }) => id)
  const first: LegacyStep = [0, 'execution_start', { totalTasks: ids.length, layers: [ids], schedule: 'layers' }]
  const insert = connection.command('INSERT INTO events (place, type, json) VALUES ((1 << 32) | ?, ?, ?)')
  for (const [at, [afterMs, type, data]] of [first, ...steps].entries()) {
    const timestamp = new Date(LEGACY_START + afterMs).toISOString()
    insert(at + 1, type, JSON.stringify({ executionId: 'x', timestamp, ...data }))
  }
  connection.close()
}
