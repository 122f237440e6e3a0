import type { PatchedPlan, PlanPatch } from '../../engine/growth/patch-shape.ts'
import { formatEventId } from '../../events/events.ts'
import { buildResult, type ExecutionResult } from '../../engine/execution-result.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import type { ExecutionHost } from '../../host/execution-host.ts'
import { isRecordUnusable } from '../../errors.ts'
import { listInputsOf } from '../../host/listing/input-list.ts'
import type { ListFilter } from '../../host/listing/list-filter.ts'
import { WHOLE_EXECUTION } from '../../events/wire-json.ts'
import { parseJson } from '../../json/parse-json.ts'
import type { StoredExecution } from '../../store/execution-store.ts'
import { createFileHost, findInFile, nameExecution } from './file-host.ts'
import type {
  ExecutionHead,
  ExecutionLog,
  ExecutionSource,
  GivenAnswer,
  OpenInput,
  WireEvent,
} from './execution-source.ts'
import type { KeptStore } from './open-store.ts'

/** Page sizes for executions and events. */
const EXECUTIONS_AT_ONCE = 1000
const EVENTS_AT_ONCE = 1000

/** The executions in a store file, or in a database. */
export class StoredExecutions implements ExecutionSource {
  readonly #store: KeptStore
  readonly #host: ExecutionHost

  /** @param store is owned: `close` closes it */
  constructor(store: KeptStore) {
    this.#store = store
    this.#host = createFileHost(store)
  }

  async *list({ status, name, since }: ListFilter = {}): AsyncGenerator<ExecutionHead, void, undefined> {
    // Ids are never empty, so executions created at exactly that time sort after this cursor.
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
    await this.find(executionId)
    const hosted = (await this.#host.find(executionId)) as HostedExecution
    const { record, status, parked, forkedFrom } = hosted
    const added = { ...(parked && { parked }), ...(forkedFrom && { forkedFrom }) }
    const head = { executionId, status, createdAt: record.createdAt, ...added }
    return hosted.hasEnded ? { head, result: await this.#readResult(hosted) } : { head }
  }

  #readResult({ executionId, taskIds, log }: HostedExecution): Promise<ExecutionResult> {
    const tasks = taskIds.map(id => ({ id }))
    return buildResult(tasks, log.state, async taskId => parseJson(await this.readOutput(executionId, taskId)))
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
    const whose = taskId === WHOLE_EXECUTION ? '' : ` task \`${taskId}\` of`
    throw new Error(`The store has lost the output of${whose} execution ${executionId}`)
  }

  async *listInputs(executionId?: string): AsyncGenerator<OpenInput, void, undefined> {
    if (executionId !== undefined) {
      await this.find(executionId)
      yield* listInputsOf((await this.#host.find(executionId)) as HostedExecution)
      return
    }
    for await (const head of this.list()) {
      if (head.status !== 'running' && head.status !== 'parked') continue
      try {
        const hosted = await this.#host.find(head.executionId)
        if (hosted !== undefined) yield* listInputsOf(hosted)
      } catch (error) {
        // A damaged log shows nothing.
        if (!isRecordUnusable(error)) throw error
      }
    }
  }

  async answer(executionId: string, inputId: string, answer: GivenAnswer): Promise<void> {
    await this.find(executionId)
    await this.#host.commands.answer(executionId, inputId, answer)
  }

  async patch(executionId: string, patch: PlanPatch): Promise<PatchedPlan> {
    await this.find(executionId)
    try {
      return await this.#host.commands.patch(executionId, patch)
    } catch (error) {
      const message =
        `This command does not run execution ${executionId}: patch it with --server where a server runs it, ` +
        'or fork it with another workflow'
      throw nameExecution(error, 'INTERRUPTED', message)
    }
  }

  async cancel(executionId: string): Promise<string> {
    await this.find(executionId)
    const reason = { code: 'CANCELLED', message: 'Cancelled by request' } as const
    const cancelled = await this.#host.commands.cancel(executionId, reason)
    await cancelled.ended
    return cancelled.status
  }

  async delete(executionId: string): Promise<void> {
    await this.find(executionId)
    try {
      await this.#host.commands.delete(executionId)
    } catch (error) {
      throw nameExecution(error, 'EXECUTION_RUNNING', `Execution ${executionId} has not ended; cancel it first`)
    }
  }

  async close(): Promise<void> {
    await this.#host.close()
    await this.#store.close()
  }

  /** @throws `EXECUTION_NOT_FOUND` */
  find(executionId: string): Promise<StoredExecution> {
    return findInFile(this.#store, executionId)
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

function describeHead({ executionId, status, createdAt, parked }: StoredExecution): ExecutionHead {
  return { executionId, status: parked ? 'parked' : status, createdAt, ...(parked && { parked }) }
}

/** Damaged JSON is returned as text: the rest of the file remains readable. */
function parseOrKeep(text: string): unknown {
  try {
    return parseJson(text)
  } catch {
    return text
  }
}
