import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { onTestFinished } from 'vitest'
import { runCli } from '../../src/cli/commands/program.ts'
import { createMemoryStore, type DAGStructure, ParallelExecutor } from '../../src/index.ts'
import { LogEntry } from '../../src/events/log-entry.ts'
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/index.ts'
import { park } from '../../src/engine/resume/parking.ts'
import type { Parked } from '../../src/index.ts'
import { systemClock } from '../../src/clock.ts'
import { readKept } from '../support/crash.ts'
import { FakeProcess } from './fake-process.ts'

/** What `run` gives of a command line. */
export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A working directory that goes after the test. */
export function makeFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dagstream-')))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

export function processIn(cwd: string, argv: readonly string[], document?: unknown): FakeProcess {
  const process = Object.assign(new FakeProcess(...argv), { cwd })
  if (document !== undefined) process.stdin = Readable.from([JSON.stringify(document)])
  return process
}

/** Runs a command line in a folder; `document` is what stands on its standard input. */
export async function runIn(cwd: string, argv: string, document?: unknown): Promise<Ran> {
  const process = processIn(cwd, argv.split(' '), document)
  const code = await runCli(process)
  return { code, stdout: process.stdout.text, stderr: process.stderr.text }
}

/** A store that is open until the test is over. */
export async function openHere(file: string): Promise<SqliteStore> {
  const store = await openSqliteStore(file)
  onTestFinished(() => store.close())
  return store
}

/** The values of lines of JSON. */
export function parseLines(text: string): Record<string, unknown>[] {
  const lines = text.split('\n').filter(line => line !== '')
  return lines.map(line => JSON.parse(line) as Record<string, unknown>)
}

/** Leaves in a file what a process leaves that ends when `count` events of a workflow are in the log. @param rewrite the JSON that is kept @returns the id */
export async function leaveUnfinished(
  file: string,
  workflow: DAGStructure,
  tools: ConstructorParameters<typeof ParallelExecutor>[0],
  count: number,
  parked?: Parked,
  rewrite: (json: string) => string = json => json,
): Promise<string> {
  const memory = createMemoryStore()
  const { executionId } = await new ParallelExecutor(tools, { store: memory }).execute(workflow)
  const { record, entries } = await readKept(memory, executionId)
  const store = await openSqliteStore(file)
  await store.create({ ...record, ...(record.workflow !== undefined && { workflow: rewrite(record.workflow) }) })
  const lease = await store.claim(executionId)
  const kept = entries.slice(0, count).map(({ seq, type, json }) => LogEntry.fromJson(seq, type, rewrite(json)))
  await store.append(lease, 1, kept)
  if (parked !== undefined) await park(store, executionId, parked, systemClock)
  await store.close()
  return executionId
}
