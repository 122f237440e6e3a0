import { readFileSync } from 'node:fs'
import {
  type FetchFunction,
  OpenRouterProvider,
  type OpenRouterOptions,
  type ProviderParams,
  type ProviderStreamEvent,
  type ProviderUsage,
  type StreamFinish,
} from '../../../src/integrations/llm/index.ts'

/** What has to come of a file in `fixtures/providers`. */
export interface Expected {
  readonly about: string
  readonly text: string
  readonly usage?: ProviderUsage
  readonly finishReason?: string
  readonly errorCode?: number
}

const folder = new URL('../../../fixtures/providers/', import.meta.url)

export const fixtures = JSON.parse(readFileSync(new URL('expected.json', folder), 'utf8')) as Record<string, Expected>

/** The bytes of a fixture. */
export function readFixture(name: string): Buffer {
  return readFileSync(new URL(`${name}.sse`, folder))
}

/** What a fake endpoint answers. */
export interface FakeAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly chunks?: readonly (Uint8Array | string)[]
  /** After the chunks: the body ends, breaks off with this, or stays open. @defaultValue it ends */
  readonly ending?: 'end' | 'stay' | Error
}

export interface FakeEndpoint {
  readonly fetch: FetchFunction
  readonly requests: { url: string; headers: Record<string, string>; body: Record<string, unknown> }[]
  /** Sends more of the newest body. */
  readonly send: (chunk: Uint8Array | string) => void
  readonly end: () => void
  /** How many bodies were given up by their reader. */
  cancelCount: number
}

const toBytes = (chunk: Uint8Array | string): Uint8Array => (typeof chunk === 'string' ? Buffer.from(chunk) : chunk)

/** An endpoint without sockets: answers come from a list, the last one again and again. */
export function fakeEndpoint(...answers: readonly FakeAnswer[]): FakeEndpoint {
  let newest: ReadableStreamDefaultController<Uint8Array>
  const endpoint: FakeEndpoint = {
    requests: [],
    cancelCount: 0,
    send: chunk => newest.enqueue(toBytes(chunk)),
    end: () => newest.close(),
    fetch: async (url, { headers, body }) => {
      const answer = answers[Math.min(endpoint.requests.length, answers.length - 1)] ?? {}
      endpoint.requests.push({ url, headers: { ...headers }, body: JSON.parse(body) as Record<string, unknown> })
      const { status = 200, chunks = [], ending = 'end' } = answer
      const queue = [...chunks]
      const stream = new ReadableStream<Uint8Array>(
        {
          start: controller => {
            newest = controller
          },
          // One chunk a read, so that what came before a failure is not thrown away by it.
          pull(controller) {
            const chunk = queue.shift()
            if (chunk !== undefined) return controller.enqueue(toBytes(chunk))
            if (ending instanceof Error) return controller.error(ending)
            if (ending === 'end') controller.close()
          },
          cancel: () => {
            endpoint.cancelCount += 1
          },
        },
        { highWaterMark: 0 },
      )
      return { status, headers: new Headers({ 'content-type': 'text/event-stream', ...answer.headers }), body: stream }
    },
  }
  return endpoint
}

/** A provider of such an endpoint. */
export function fakeProvider(endpoint: FakeEndpoint, options: OpenRouterOptions = {}): OpenRouterProvider {
  return new OpenRouterProvider({ apiKey: 'key', baseURL: 'http://model.test/v1', fetch: endpoint.fetch, ...options })
}

/** Every event of a stream. */
export async function collect(
  provider: OpenRouterProvider,
  params: ProviderParams = {},
): Promise<ProviderStreamEvent[]> {
  const events: ProviderStreamEvent[] = []
  for await (const event of provider.generateStream('hi', params)) events.push(event)
  return events
}

/** A stream that is over. */
export interface Outcome {
  readonly events: readonly ProviderStreamEvent[]
  /** What `onFinish` was told. */
  readonly finish: readonly StreamFinish[]
}

/** What becomes of a body that comes in these chunks. */
export async function readBody(chunks: readonly (Uint8Array | string)[], loss?: Error): Promise<Outcome> {
  const endpoint = fakeEndpoint({ chunks, ...(loss !== undefined && { ending: loss }) })
  const finish: StreamFinish[] = []
  return { events: await collect(fakeProvider(endpoint), { onFinish: told => finish.push(told) }), finish }
}

/** Every event of a body that comes in these chunks. */
export async function readChunks(
  chunks: readonly (Uint8Array | string)[],
  loss?: Error,
): Promise<readonly ProviderStreamEvent[]> {
  return (await readBody(chunks, loss)).events
}

/** The text of a stream. */
export function textOf(events: readonly ProviderStreamEvent[]): string {
  return events.map(event => (event.type === 'content' ? event.data : '')).join('')
}

/** What a fixture has to say of a stream: how it ended, with its text and usage. */
export function summarise({ events, finish }: Outcome): Omit<Expected, 'about'> {
  const usage = events.find(event => event.type === 'usage')
  const last = events.at(-1)
  const finishReason = finish[0]?.finishReason
  return {
    text: textOf(events),
    ...(usage !== undefined && { usage: usage.data }),
    ...(last?.type === 'error' && { errorCode: last.data.code }),
    ...(finishReason !== undefined && { finishReason }),
  }
}

/** One message of a chat completion. */
export function message(content: string, finish: string | null = null): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`
}

/** The message that tells usage. */
export function usageMessage(promptTokens: number, completionTokens: number, more: object = {}): string {
  const usage = { prompt_tokens: promptTokens, completion_tokens: completionTokens, ...more }
  return `data: ${JSON.stringify({ model: 'm', choices: [], usage })}\n\n`
}

export const DONE = 'data: [DONE]\n\n'
