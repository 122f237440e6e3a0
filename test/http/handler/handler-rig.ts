import { createParser, type EventSourceMessage } from 'eventsource-parser'
import { createHandler, type Handler, type HandlerOptions } from 'dagstream/http'
import { createMemoryStore, type DAGStructure, type ExecutionStore } from '../../../src/index.ts'
import { ControlledTool } from '../../support/controlled-tool.ts'
import { FakeClock } from '../../support/fake-clock.ts'

/** A line that the handler logged, as one text. */
export type LogLine = string

export interface HandlerRig {
  /** Stands behind the tool `work`. */
  readonly tool: ControlledTool
  readonly clock: FakeClock
  readonly store: ExecutionStore
  readonly handler: Handler
  readonly log: readonly LogLine[]
  /** Sends a request to `path`; a body that is no text goes as JSON. */
  readonly send: (method: string, path: string, init?: SendInit) => Promise<Response>
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Response>
  /** Asks for an execution. */
  readonly create: (body: unknown, headers?: Record<string, string>) => Promise<Response>
  /** The same, as a stream that is read as it comes. */
  readonly follow: (body: unknown, headers?: Record<string, string>) => Promise<Following>
  /** The same, with `202`. @returns the id */
  readonly begin: (body: unknown, headers?: Record<string, string>) => Promise<string>
  /** One figure of `/metrics`. */
  readonly figure: (name: string) => Promise<number>
}

export interface SendInit {
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** A handler whose tool, clock and store the test holds in its hand; ids are `x1`, `x2`, … */
export function handlerRig(options: Partial<HandlerOptions> = {}): HandlerRig {
  const clock = new FakeClock()
  const tool = new ControlledTool()
  const store = options.store ?? createMemoryStore({ clock })
  const log: LogLine[] = []
  const note = (message: string, fields?: object): void => void log.push(`${message} ${JSON.stringify(fields ?? {})}`)
  let count = 0
  const handler = createHandler({
    tools: { work: tool.execute },
    clock,
    store,
    logger: { debug: () => {}, warn: note },
    random: () => 0.5,
    createId: () => `x${(count += 1)}`,
    taskTimeoutMs: 0,
    ...options,
  })
  const send: HandlerRig['send'] = (method, path, { headers = {}, body } = {}) => {
    const all = new Headers(headers)
    if (body !== undefined && !all.has('content-type')) all.set('Content-Type', 'application/json')
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    return handler.fetch(
      new Request(`http://localhost${path}`, { method, headers: all, ...(text !== undefined && { body: text }) }),
    )
  }
  const create: HandlerRig['create'] = (body, headers = {}) => send('POST', '/executions', { headers, body })
  return {
    tool,
    clock,
    store,
    handler,
    log,
    send,
    get: (path, headers = {}) => send('GET', path, { headers }),
    create,
    follow: async (body, headers = {}) => follow(await create(body, { Accept: STREAM, ...headers })),
    begin: async (body, headers = {}) => {
      const response = await create(body, { Prefer: 'respond-async', ...headers })
      return ((await response.json()) as { executionId: string }).executionId
    },
    figure: async name => {
      const text = await (await send('GET', '/metrics')).text()
      const line = text.split('\n').find(each => each.startsWith(`${name} `))
      return Number(line?.slice(name.length + 1))
    },
  }
}

export const STREAM = 'text/event-stream'
export const JSON_TYPE = 'application/json'

/** One task of the tool `work`. */
export const ONE_TASK: DAGStructure = { tasks: [{ id: 'a', tool: 'work' }] }

/** A reader that takes everything as it comes. */
export interface Following {
  readonly response: Response
  /** What has come so far, as a parser that is not ours reads it. */
  readonly messages: readonly EventSourceMessage[]
  /** How many bytes, comments included. */
  readonly byteCount: () => number
  /** Resolves at the end of the body, rejects if it breaks. */
  readonly ended: Promise<void>
  /** The reader leaves. */
  readonly leave: () => Promise<void>
}

/** Reads a response as it comes. */
export function follow(response: Response): Following {
  const messages: EventSourceMessage[] = []
  const parser = createParser({ onEvent: message => messages.push(message) })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const decoder = new TextDecoder()
  let byteCount = 0
  const ended = (async () => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      byteCount += value.length
      parser.feed(decoder.decode(value, { stream: true }))
    }
  })()
  // A test that does not ask is not to fail for it.
  ended.catch(() => {})
  return { response, messages, byteCount: () => byteCount, ended, leave: () => reader.cancel() }
}

/** The messages of a whole body. */
export async function readMessages(response: Response): Promise<readonly EventSourceMessage[]> {
  const { messages, ended } = follow(response)
  await ended
  return messages
}

/** The place of each message in its execution. */
export function seqsOf(messages: readonly EventSourceMessage[]): number[] {
  return messages.map(({ id }) => Number(id?.split('.')[1]))
}

export interface Problem {
  readonly title: string
  readonly status: number
  readonly detail?: string
  readonly code?: string
  readonly reference?: string
  readonly [extension: string]: unknown
}

/** What an error response says; fails if it is none. */
export async function readProblem(response: Response): Promise<Problem> {
  const type = response.headers.get('content-type')
  if (type !== 'application/problem+json') throw new Error(`Expected a problem, got ${response.status} ${type}`)
  const problem = (await response.json()) as Problem
  if (problem.status !== response.status) throw new Error(`Expected ${response.status}, got ${problem.status}`)
  return problem
}
