import type { ExecutionResult } from '../../src/engine/execution-result.ts'
import type { SSEEvent } from '../../src/events/events.ts'
import { encode } from '../../src/sse/encode.ts'

/** What a client sent, in full. */
export interface SentRequest {
  readonly line: string
  readonly headers: Headers
  readonly body: string
  readonly signal: AbortSignal
}

export type Answer = (request: Request) => Response | Promise<Response>

/** A server whose answers a test lines up, one per request. */
export class FakeServer {
  readonly requests: SentRequest[] = []
  readonly #answers: Answer[]

  constructor(...answers: readonly Answer[]) {
    this.#answers = [...answers]
  }

  /** Needs no `this`. */
  readonly fetch = async (request: Request): Promise<Response> => {
    const line = `${request.method} ${new URL(request.url).pathname}`
    this.requests.push({ line, headers: request.headers, body: await request.text(), signal: request.signal })
    const answer = this.#answers.shift()
    // No client takes this for a lost network.
    if (answer === undefined) throw new Error(`No answer is left for ${line}`)
    return answer(request)
  }

  get lines(): readonly string[] {
    return this.requests.map(({ line }) => line)
  }

  /** A header of each request, in order. */
  sent(name: string): readonly (string | null)[] {
    return this.requests.map(({ headers }) => headers.get(name))
  }
}

/** The network fails before headers. */
export function refused(code = 'ECONNREFUSED'): Answer {
  return () =>
    Promise.reject(new TypeError('fetch failed', { cause: Object.assign(new Error(`connect ${code}`), { code }) }))
}

/** What undici throws when a body breaks. */
export function terminated(): TypeError {
  const cause = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' })
  return new TypeError('terminated', { cause })
}

/** Never answers. */
export const silent: Answer = () => new Promise<Response>(() => {})

export function json(value: unknown, init: { status?: number; headers?: Record<string, string> } = {}): Answer {
  return () => Response.json(value, { ...init, headers: { 'Execution-Id': 'x', ...init.headers } })
}

export function problem(status: number, details: object = {}, headers: Record<string, string> = {}): Answer {
  return json({ status, ...details }, { status, headers: { 'Content-Type': 'application/problem+json', ...headers } })
}

export const noContent: Answer = () => new Response(null, { status: 204 })

/** A body that a test feeds, and the answer that carries it. */
export class HeldBody {
  isCancelled = false
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined
  readonly body: ReadableStream<Uint8Array>
  readonly #headers: Record<string, string>

  constructor(headers: Record<string, string> = {}) {
    this.#headers = { 'Content-Type': 'text/event-stream; charset=utf-8', 'Execution-Id': 'x', ...headers }
    this.body = new ReadableStream({
      start: controller => void (this.#controller = controller),
      cancel: () => void (this.isCancelled = true),
    })
  }

  readonly answer = (): Response => new Response(this.body, { headers: this.#headers })

  send(text: string): this {
    this.#controller?.enqueue(new TextEncoder().encode(text))
    return this
  }

  end(): this {
    this.#controller?.close()
    return this
  }

  fail(error: unknown = terminated()): this {
    this.#controller?.error(error)
    return this
  }
}

/** A stream that carries this and ends. */
export function stream(...texts: readonly string[]): Answer {
  return new HeldBody().send(texts.join('')).end().answer
}

/** A stream that carries this and then breaks. */
export function brokenStream(...texts: readonly string[]): Answer {
  const chunks = texts.map(text => new TextEncoder().encode(text))
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks.shift()
        if (chunk) controller.enqueue(chunk)
        else controller.error(terminated())
      },
    },
    { highWaterMark: 0 },
  )
  return () => new Response(body, { headers: { 'Content-Type': 'text/event-stream', 'Execution-Id': 'x' } })
}

const timestamp = '2026-01-01T00:00:00.000Z'
const counts = { totalTasks: 1, successCount: 1, errorCount: 0, skippedCount: 0, cancelledCount: 0 }
const figures = { speedup: 1, criticalPathMs: 5, parallelizationLayers: 1 }
const taskA = {
  taskId: 'a',
  tool: 'work',
  status: 'success',
  output: 'done',
  attempts: 1,
  executionTimeMs: 5,
  waitMs: 0,
}

/** The log of an execution with one task that streams three words. */
export const LOG: readonly SSEEvent[] = [
  { type: 'execution_start', data: { totalTasks: 1, layers: [['a']], schedule: 'layers' } },
  { type: 'task_start', data: { taskId: 'a', tool: 'work', layer: 0, attempt: 1 } },
  { type: 'token', data: { taskId: 'a', attempt: 1, text: 'one ' } },
  { type: 'token', data: { taskId: 'a', attempt: 1, text: 'two ' } },
  { type: 'token', data: { taskId: 'a', attempt: 1, text: 'thrée' } },
  { type: 'task_complete', data: taskA },
  { type: 'execution_complete', data: { ...counts, ...figures, status: 'success', totalExecutionTimeMs: 5 } },
].map(({ type, data }, at) => ({ type, data: { executionId: 'x', timestamp, ...data }, id: `x.${at + 1}` }) as SSEEvent)

/** The same on the wire, event by event. */
export const FRAMES: readonly string[] = LOG.map(encode)

/** The frames from one seq to another, both included. */
export function frames(from: number, to: number = LOG.length): string {
  return FRAMES.slice(from - 1, to).join('')
}

export const RESULT: ExecutionResult = {
  executionId: 'x',
  status: 'success',
  results: [taskA as ExecutionResult['results'][number]],
  errors: [],
  executionTimeMs: 5,
  ...counts,
  ...figures,
}

/** What `GET /executions/x` says of it. */
export const SHOWN: object = { executionId: 'x', status: 'success', result: RESULT }
