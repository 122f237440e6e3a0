import type { PatchedPlan, PlanPatch } from '../../engine/growth/patch-shape.ts'
import { findStatus, readField, StreamInterruptedError } from '../../client/failures.ts'
import type { Reply } from '../../client/reply.ts'
import { parseBaseUrl, Transport } from '../../client/transport.ts'
import { systemClock } from '../../clock.ts'
import { type EventFor, formatEventId, parseEventId, type SSEEventType } from '../../events/events.ts'
import type { ExecutionResult } from '../../engine/execution-result.ts'
import { WHOLE_EXECUTION } from '../../events/wire-json.ts'
import { parseJson } from '../../json/parse-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { parseStream } from '../../sse/parse-stream.ts'
import type { ListFilter } from '../../host/listing/list-filter.ts'
import type { CliProcess } from '../process/console.ts'
import type {
  ExecutionHead,
  ExecutionLog,
  ExecutionSource,
  GivenAnswer,
  OpenInput,
  WireEvent,
} from './execution-source.ts'
import { parseHead } from './remote-head.ts'
import { describeServer, type ServerFlags } from './server-connection.ts'

/** Page size of a list. */
const PAGE_SIZE = 1000

/** Maximum size of a response, bytes: all outputs of an execution, escaped as JSON, times two. */
const MAX_ANSWER_BYTES = 512 * 1024 * 1024

/** Silence after which a connection counts as lost, ms: a server sends a heartbeat every 8 s. */
const IDLE_TIMEOUT_MS = 30_000

/** A sequence number beyond any log: the server answers with a snapshot and the current position. */
const AHEAD = 999_999_999_999_999

/** The executions of a server. */
export class RemoteExecutions implements ExecutionSource {
  readonly #transport: Transport

  /** @throws UsageError for a token that no request can carry */
  constructor(flags: ServerFlags, process: CliProcess) {
    const { url, fetch, headers } = describeServer(flags, process)
    const baseUrl = parseBaseUrl(url)
    this.#transport = new Transport({ baseUrl, fetch, headers, clock: systemClock, idleTimeoutMs: IDLE_TIMEOUT_MS })
  }

  async *list({ status, name, since }: ListFilter = {}): AsyncGenerator<ExecutionHead, void, undefined> {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE) })
    for (const [key, value] of Object.entries({ status, name, since })) {
      if (value !== undefined) query.set(key, value)
    }
    for (;;) {
      const answer = await this.#getJson(`executions?${query.toString()}`)
      const executions = readField(answer, 'executions')
      for (const each of Array.isArray(executions) ? executions : []) {
        const head = parseHead(each)
        // An older server ignores the filters.
        if (status !== undefined && head.status !== status) continue
        if (name !== undefined && head.name !== name) continue
        if (since === undefined || (head.createdAt ?? since) >= since) yield head
      }
      const next = readField(answer, 'next')
      if (typeof next !== 'string') return
      query.set('after', next)
    }
  }

  /** A server's list already has every figure that is available without the full log. */
  addFigures(head: ExecutionHead): Promise<ExecutionHead> {
    return Promise.resolve(head)
  }

  async show(executionId: string): Promise<{ head: ExecutionHead; result?: ExecutionResult }> {
    const answer = await this.#getJson(`executions/${executionId}`)
    const result = readField(answer, 'result') as ExecutionResult | undefined
    return { head: parseHead(answer), ...(result && { result }) }
  }

  async openLog(executionId: string): Promise<ExecutionLog> {
    const { seq, status } = await this.#readState(executionId)
    const request = await this.#readRequest(executionId)
    return { record: { executionId, status, ...request }, events: this.#readUpTo(executionId, seq) }
  }

  /** Document and input; empty where the server is older than their route, or the caller may not read them. */
  async #readRequest(executionId: string): Promise<{ readonly workflow?: unknown; readonly input?: unknown }> {
    try {
      const answer = await this.#getJson(`executions/${executionId}/request`)
      const [workflow, input] = [readField(answer, 'workflow'), readField(answer, 'input')]
      return { ...(workflow !== undefined && { workflow }), ...(input !== undefined && { input }) }
    } catch (error) {
      const status = findStatus(error)
      if (status === 401 || status === 403 || status === 404) return {}
      throw error
    }
  }

  async readOutput(executionId: string, taskId: string): Promise<string> {
    const place = taskId === WHOLE_EXECUTION ? '' : `/tasks/${encodeURIComponent(taskId)}`
    const reply = await this.#get(`executions/${executionId}${place}/output`)
    return (await reply.text(MAX_ANSWER_BYTES)).trim()
  }

  async *listInputs(executionId?: string): AsyncGenerator<OpenInput, void, undefined> {
    const query = new URLSearchParams({ limit: String(PAGE_SIZE) })
    for (;;) {
      const path = executionId === undefined ? `inputs?${query.toString()}` : `executions/${executionId}/inputs`
      const answer = await this.#getJson(path)
      const inputs = readField(answer, 'inputs')
      yield* (Array.isArray(inputs) ? inputs : []) as OpenInput[]
      const next = readField(answer, 'next')
      if (typeof next !== 'string') return
      query.set('after', next)
    }
  }

  async answer(executionId: string, inputId: string, answer: GivenAnswer): Promise<void> {
    const reply = await this.#transport.send({
      method: 'POST',
      path: `executions/${executionId}/inputs/${encodeURIComponent(inputId)}`,
      headers: { ...JSON_ONLY, 'Content-Type': 'application/json' },
      body: stringifyJson(answer),
    })
    reply.close()
  }

  async patch(executionId: string, patch: PlanPatch): Promise<PatchedPlan> {
    const reply = await this.#transport.send({
      method: 'POST',
      path: `executions/${executionId}/plan`,
      headers: { ...JSON_ONLY, 'Content-Type': 'application/json' },
      body: stringifyJson(patch),
    })
    return { totalTasks: Number(readField(await reply.json(MAX_ANSWER_BYTES), 'totalTasks')) }
  }

  async cancel(executionId: string): Promise<string> {
    const reply = await this.#transport.send({
      method: 'POST',
      path: `executions/${executionId}/cancel`,
      headers: JSON_ONLY,
    })
    return parseHead(await reply.json(MAX_ANSWER_BYTES)).status
  }

  async delete(executionId: string): Promise<void> {
    const reply = await this.#transport.send({
      method: 'DELETE',
      path: `executions/${executionId}`,
      headers: JSON_ONLY,
    })
    reply.close()
  }

  /** Asks the server to resume an execution that it does not run. */
  async resume(executionId: string): Promise<void> {
    const reply = await this.#transport.send({
      method: 'POST',
      path: `executions/${executionId}/resume`,
      headers: JSON_ONLY,
    })
    reply.close()
  }

  /** Asks the server to fork an execution. @param asked the body of the request @returns the id of the new one */
  async fork(executionId: string, asked: object): Promise<string> {
    const reply = await this.#transport.send({
      method: 'POST',
      path: `executions/${executionId}/fork`,
      headers: { ...JSON_ONLY, 'Content-Type': 'application/json', Prefer: 'respond-async' },
      body: stringifyJson(asked),
    })
    return parseHead(await reply.json(MAX_ANSWER_BYTES)).executionId
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #readState(executionId: string): Promise<EventFor<'snapshot'>['data']> {
    for await (const { type, json } of this.#follow(executionId, formatEventId(executionId, AHEAD))) {
      if (type === 'snapshot') return parseJson(json) as EventFor<'snapshot'>['data']
    }
    throw new StreamInterruptedError(`The server did not return the state of execution ${executionId}`)
  }

  async *#readUpTo(executionId: string, head: number): AsyncGenerator<WireEvent, void, undefined> {
    if (head === 0) return
    for await (const event of this.#follow(executionId)) {
      // An event without a sequence number only reports why the stream ended.
      const seq = parseEventId(event.id)?.seq
      if (seq !== undefined) yield event
      if (seq === head) return
    }
    throw new StreamInterruptedError(`The events of execution ${executionId} were truncated`)
  }

  /** Its raw messages; leaving the loop closes the connection. */
  async *#follow(executionId: string, lastEventId?: string): AsyncGenerator<WireEvent, void, undefined> {
    const headers = { Accept: 'text/event-stream', ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }) }
    const reply = await this.#transport.send({ method: 'GET', path: `executions/${executionId}/events`, headers })
    try {
      for await (const { id = '', event, data } of parseStream(reply.stream())) {
        yield { id, type: event as SSEEventType, json: data }
      }
    } finally {
      reply.close()
    }
  }

  #get(path: string): Promise<Reply> {
    return this.#transport.send({ method: 'GET', path, headers: JSON_ONLY })
  }

  async #getJson(path: string): Promise<unknown> {
    return (await this.#get(path)).json(MAX_ANSWER_BYTES)
  }
}

const JSON_ONLY = { Accept: 'application/json' }
