import type { SSEEvent } from '../events/events.ts'
import { parseEventId } from '../events/events.ts'
import { DagstreamError } from '../errors.ts'
import type { ExecutionResult } from '../execute/execution-result.ts'
import { decodeEvent } from '../sse/decode.ts'
import { parseStream } from '../sse/parse-stream.ts'
import { readField, StreamInterruptedError, UnusableResponseError } from './failures.ts'
import type { Reply } from './reply.ts'
import { classifyItem } from './stream-item.ts'
import type { Transport } from './transport.ts'
import { cutText } from '../text.ts'

/** An event as a client sees it. */
export type ClientEvent = SSEEvent & {
  /** Made from the result, since the runtime cannot read a stream: it tells how it ended, not when. */
  readonly degraded?: true
}

/** The most that is read of a result, bytes: all outputs of an execution, escaped as JSON, and as much again. */
const MAX_RESULT_BYTES = 512 * 1024 * 1024

/** An execution that a server has taken on, and its answer, still to be read. */
export interface Started {
  readonly executionId: string
  readonly reply?: Reply
}

/** How a workflow is handed in. */
export interface StartOptions {
  /** Says that a repetition is one. */
  readonly key: string
  readonly accept: 'stream' | 'result'
  /** Gives up the request, and its answer. */
  readonly signal: AbortSignal | undefined
  /** Gives up the request alone. */
  readonly untilAnswered: AbortSignal
}

/** The requests about executions, one call each; nothing is repeated here. All throw as `Transport.send` does. */
export class ExecutionApi {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Hands a workflow in. A server that has answered, with `202`, only that it has taken it on leaves no reply to read. */
  async start(body: string, { key, accept, signal, untilAnswered }: StartOptions): Promise<Started> {
    const type = accept === 'stream' ? 'text/event-stream' : 'application/json'
    const headers = { Accept: type, 'Content-Type': 'application/json', 'Idempotency-Key': key }
    const reply = await this.#transport.send({
      method: 'POST',
      path: 'executions',
      headers,
      body,
      untilAnswered,
      ...(signal && { signal }),
    })
    const executionId = reply.response.headers.get('execution-id')
    if (executionId === null || !isExecutionId(executionId)) {
      throw refuse(reply, 'an `Execution-Id` header; across origins the server has to expose it')
    }
    if (reply.status === 202) {
      reply.close()
      return { executionId }
    }
    expectType(reply, type)
    return { executionId, reply }
  }

  /** The events from behind `lastEventId`; `undefined` if it has finished and nothing is left. */
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

  /** Harmless to repeat. */
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

/** The result in the answer to a workflow. @throws as `Reply.json` */
export async function readResult(reply: Reply, executionId: string): Promise<ExecutionResult> {
  return expectResult(await reply.json(MAX_RESULT_BYTES), executionId)
}

/**
 * The events in an answer, those of unknown types left out: the wire may grow.
 * @throws `StreamInterruptedError` where it ends without an event that is the last: only a `204` says that nothing is left;
 * DagstreamError `INVALID_SSE`; `INVALID_EVENT_ID` for an event of another execution, which must never be taken for this one's
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

/** Whether something can be the id of an execution, and so stand in a path. */
export function isExecutionId(id: unknown): id is string {
  return typeof id === 'string' && /^[A-Za-z0-9_-]{1,128}$/.test(id)
}

/** A `200` may come from anything between here and the server: a sign-in page, an error page. */
function expectType(reply: Reply, type: string): Reply {
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
