import { formatEventId } from '../events/events.ts'
import type { ExecutionResult } from '../execute/execution-result.ts'
import { resumeLoop } from '../execute/recovery.ts'
import type { ListFilter } from '../http/list-filter.ts'
import { isRecordUnusable, readLeft } from '../http/left-request.ts'
import { findParked } from '../http/shown-status.ts'
import { parseJson } from '../json/parse-json.ts'
import type { StoredExecution } from '../store/execution-store.ts'
import type { SqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { ExecutionHead, ExecutionLog, ExecutionSource, WireEvent } from './execution-source.ts'

/** How many executions, and how many events, are read at once. */
const EXECUTIONS_AT_ONCE = 1000
const EVENTS_AT_ONCE = 1000

/** The executions in the file of a store. */
export class StoredExecutions implements ExecutionSource {
  readonly #store: SqliteStore

  /** @param store is closed with it */
  constructor(store: SqliteStore) {
    this.#store = store
  }

  async *list({ status, name, since }: ListFilter = {}): AsyncGenerator<ExecutionHead, void, undefined> {
    // No id is empty: what was created at that very moment comes behind.
    let last = since === undefined ? undefined : { createdAt: since, executionId: '' }
    for (;;) {
      const page = await this.#store.list({ limit: EXECUTIONS_AT_ONCE, ...(last && { after: last }) })
      for (const stored of page) {
        const head = describeHead(stored)
        if (status !== undefined && head.status !== status) continue
        if (name === undefined) yield head
        else {
          const full = await this.addFigures(head)
          if (full.name === name) yield full
        }
      }
      last = page.at(-1)
      if (page.length < EXECUTIONS_AT_ONCE) return
    }
  }

  async addFigures(head: ExecutionHead): Promise<ExecutionHead> {
    const [summary] = await this.#store.summarize([head.executionId])
    return { ...head, ...summary }
  }

  async show(executionId: string): Promise<{ head: ExecutionHead; result?: ExecutionResult }> {
    const stored = await this.find(executionId)
    const head = describeHead(stored)
    if (stored.status === 'running') return { head }
    // Of one that has ended nothing is begun, so that it needs no tools.
    const ended = await resumeLoop(stored, this.#store)
    return { head, result: await ended.result }
  }

  async openLog(executionId: string): Promise<ExecutionLog> {
    const { workflow, input, options, ...rest } = await this.find(executionId)
    const parse = (name: string, text: string | undefined): object =>
      text === undefined ? {} : { [name]: parseOrKeep(text) }
    const request = { ...parse('workflow', workflow), ...parse('input', input), ...parse('options', options) }
    return { record: { ...rest, ...request }, events: this.#read(executionId) }
  }

  async readOutput(executionId: string, taskId: string): Promise<string> {
    const json = await this.#store.getOutput(executionId, taskId)
    if (json !== undefined) return json
    throw new Error(`The store has lost the output of task \`${taskId}\` of execution ${executionId}`)
  }

  async cancel(executionId: string): Promise<string> {
    const stored = await this.find(executionId)
    if (stored.status !== 'running') return stored.status
    const reason = { code: 'CANCELLED', message: 'Cancelled by request' } as const
    // What is only ended calls nothing.
    const notes = { crashCount: 0, stop: { reason, message: reason.message } }
    const loop = await resumeLoop(stored, this.#store, { notes })
    return (await loop.result).status
  }

  async delete(executionId: string): Promise<void> {
    const stored = await this.find(executionId)
    if (stored.status === 'running' && findParked(stored) === undefined && isUsable(stored)) {
      throw new Error(`Execution ${executionId} has not ended; cancel it first`)
    }
    await this.#store.delete(executionId)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  /** @throws Error where there is none */
  async find(executionId: string): Promise<StoredExecution> {
    const stored = await this.#store.get(executionId)
    if (stored !== undefined) return stored
    throw new Error(`There is no execution ${executionId} in ${this.#store.file}`)
  }

  async *#read(executionId: string): AsyncGenerator<WireEvent, void, undefined> {
    for (let seq = 0; ; ) {
      const page = await this.#store.read(executionId, seq, EVENTS_AT_ONCE)
      for (const { type, json, ...entry } of page) {
        seq = entry.seq
        yield { id: formatEventId(executionId, seq), type, json }
      }
      if (page.length < EVENTS_AT_ONCE) return
    }
  }
}

function describeHead({ executionId, status, createdAt, notes }: StoredExecution): ExecutionHead {
  const parked = findParked({ status, notes })
  return { executionId, status: parked ? 'parked' : status, createdAt, ...(parked && { parked }) }
}

/** What is not can only be deleted. */
function isUsable(stored: StoredExecution): boolean {
  try {
    readLeft(stored)
    return true
  } catch (error) {
    if (isRecordUnusable(error)) return false
    throw error
  }
}

/** What is damaged is told as it is: the rest of the file may be wanted all the more. */
function parseOrKeep(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return text
  }
}
