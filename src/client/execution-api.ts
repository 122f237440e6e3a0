import type { SSEEvent } from '../events/events.ts'
import { parseEventId } from '../events/events.ts'
import { DagstreamError } from '../errors.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import type { ExecutionResult } from '../engine/execution-result.ts'
import type { PatchedPlan, PlanPatch } from '../engine/growth/patch-shape.ts'
import { decodeEvent } from '../sse/decode.ts'
import { parseStream } from '../sse/parse-stream.ts'
import { readField, StreamInterruptedError, UnusableResponseError } from './failures.ts'
import type { Reply } from './reply.ts'
import { classifyItem } from './stream-item.ts'
import type { Transport } from './transport.ts'
import { cutText } from '../text.ts'

/** An event as the client yields it. */
export type ClientEvent = SSEEvent & {
  /** Derived from the result because the runtime cannot read a stream: its outcome is exact, its time is not. */
  readonly degraded?: true
}

/** Maximum size of a result, bytes: all outputs of an execution, escaped as JSON, times two. */
const MAX_RESULT_BYTES = 512 * 1024 * 1024

/** Maximum size of the answer to a patch, bytes. */
const MAX_PATCHED_BYTES = 64 * 1024

/** An execution that a server has accepted, with its unread response. */
export interface Started {
  readonly executionId: string
  readonly reply?: Reply
}

/** A request that starts an execution. */
export interface Submission {
  /** Relative to the base URL, without a leading slash. */
  readonly path: string
  /** JSON. */
  readonly body: string
}

/** Options of a submission. */
export interface StartOptions {
  /** Idempotency key. */
  readonly key: string
  readonly accept: 'stream' | 'result'
  /** Aborts the request and its response. */
  readonly signal: AbortSignal | undefined
  /** Aborts the request alone, not the response. */
  readonly untilAnswered: AbortSignal
}

/** The requests about executions, one method each, without retries. All throw as `Transport.send` does. */
export class ExecutionApi {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Submits a workflow. A `202` only confirms acceptance and leaves no reply to read. */
  async start({ path, body }: Submission, { key, accept, signal, untilAnswered }: StartOptions): Promise<Started> {
    const type = accept === 'stream' ? 'text/event-stream' : 'application/json'
    const headers = { Accept: type, 'Content-Type': 'application/json', 'Idempotency-Key': key }
    const reply = await this.#transport.send({
      method: 'POST',
      path,
      headers,
      body,
      untilAnswered,
      ...(signal && { signal }),
    })
    const executionId = expectStarted(reply)
    if (reply.status === 202) {
      reply.close()
      return { executionId }
    }
    expectType(reply, type)
    return { executionId, reply }
  }

  /** The events after `lastEventId`; `undefined` if the execution has ended and none remain. */
  async openEvents(executionId: string, lastEventId?: string, signal?: AbortSignal): Promise<Reply | undefined> {
    const type = 'text/event-stream'
    const reply = await this.#transport.send({
      method: 'GET',
      path: `executions/${executionId}/events`,
      headers: { Accept: type, ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }) },
      ...(signal && { signal }),
    })
    if (reply.status !== 204) return expectType(reply, type)
    reply.close()
    return undefined
  }

  /** The result; `undefined` while it runs. */
  async findResult(executionId: string, signal?: AbortSignal): Promise<ExecutionResult | undefined> {
    const type = 'application/json'
    const reply = await this.#transport.send({
      method: 'GET',
      path: `executions/${executionId}`,
      headers: { Accept: type },
      ...(signal && { signal }),
    })
    const body = await expectType(reply, type).json(MAX_RESULT_BYTES)
    const result = readField(body, 'result')
    return result === undefined ? undefined : expectResult(result, executionId)
  }

  /** The first answer counts: a repetition after a lost connection may find the question closed by itself. */
  async answer(executionId: string, inputId: string, answer: RemoteAnswer): Promise<void> {
    const reply = await this.#transport.send({
      method: 'POST',
      path: `executions/${executionId}/inputs/${encodeURIComponent(inputId)}`,
      headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
      body: stringifyJson(answer),
    })
    reply.close()
  }

  /** A repetition after a lost connection may be refused, although the first one took effect. */
  async patch(executionId: string, patch: PlanPatch): Promise<PatchedPlan> {
    const reply = await this.#transport.send({
      method: 'POST',
      path: `executions/${executionId}/plan`,
      headers: { Accept: 'application/json', 'Content-Type': 'application/json' },
      body: stringifyJson(patch),
    })
    const totalTasks = readField(await expectType(reply, 'application/json').json(MAX_PATCHED_BYTES), 'totalTasks')
    if (typeof totalTasks === 'number') return { totalTasks }
    throw new StreamInterruptedError('Expected the answer to a patch, got something else')
  }

  /** A repetition under the same key is the same cancellation. */
  async cancel(executionId: string, key: string, signal?: AbortSignal): Promise<void> {
    const reply = await this.#transport.send({
      method: 'POST',
      path: `executions/${executionId}/cancel`,
      headers: { Accept: 'application/json', 'Idempotency-Key': key },
      ...(signal && { signal }),
    })
    reply.close()
  }
}

/** The answer of a person to a question. */
export type RemoteAnswer = { readonly response: unknown } | { readonly decline: true }

/** The result in the answer to a workflow. @throws as `Reply.json` */
export async function readResult(reply: Reply, executionId: string): Promise<ExecutionResult> {
  return expectResult(await reply.json(MAX_RESULT_BYTES), executionId)
}

/**
 * The events of a response. Unknown types are skipped: the wire may grow.
 * @throws `StreamInterruptedError` if it ends without a final event, since only a `204` says that nothing remains;
 * DagstreamError `INVALID_SSE`; `INVALID_EVENT_ID` for an event of another execution, which must never be attributed to this
 * one
 */
export async function* readEvents(reply: Reply, executionId: string): AsyncGenerator<ClientEvent, void, undefined> {
  let isOver = false
  for await (const message of parseStream(reply.stream())) {
    const event = decodeEvent(message)
    if (event === undefined) continue
    const { id, data } = event
    const isOwn =
      data.executionId === executionId && (id === undefined || parseEventId(id)?.executionId === executionId)
    if (!isOwn) {
      const text = `Expected events of the execution \`${executionId}\`, got a \`${event.type}\` of another`
      throw new DagstreamError('INVALID_EVENT_ID', text, { details: { executionId } })
    }
    isOver = classifyItem(event) !== 'open'
    yield event
  }
  if (!isOver) throw new StreamInterruptedError('The stream ended before its last event')
}

/** Whether a value is a well-formed execution id, and so safe in a path. */
export function isExecutionId(id: unknown): id is string {
  return typeof id === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(id)
}

/** The id of the execution that was started. */
export function expectStarted(reply: Reply): string {
  const executionId = reply.response.headers.get('execution-id')
  if (executionId !== null && isExecutionId(executionId)) return executionId
  throw refuse(reply, 'an `Execution-Id` header; across origins the server has to expose it')
}

/** Checks the media type: a `200` may come from an intermediary, such as a sign-in or error page. */
export function expectType(reply: Reply, type: string): Reply {
  const found = (reply.response.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  if (found === type) return reply
  throw refuse(reply, `the content type ${type}, got ${found === '' ? 'none' : cutText(found, 40)}`)
}

function refuse(reply: Reply, expected: string): UnusableResponseError {
  reply.close()
  return new UnusableResponseError(reply.status, `Expected ${expected}; is there a dagstream server at \`url\`?`, {})
}

function expectResult(value: unknown, executionId: string): ExecutionResult {
  if (Array.isArray(readField(value, 'results')) && readField(value, 'executionId') === executionId) {
    return value as ExecutionResult
  }
  throw new StreamInterruptedError(`Expected the result of the execution \`${executionId}\`, got something else`)
}
