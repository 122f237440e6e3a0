import * as ai7 from 'ai'
import * as ai5 from 'ai-v5'
import * as ai6 from 'ai-v6'
import type { AiSdkVersion, UIMessagePart } from '../../src/protocols/ai-sdk/ui-message-part.ts'

/** A message as every version folds it, as far as tests look. */
export interface FoldedMessage {
  readonly id: string
  readonly role: string
  readonly metadata?: Record<string, unknown>
  readonly parts: readonly (Record<string, unknown> & { readonly type: string })[]
}

/** A chat of the real package: what `useChat` is made of, without React. */
export interface TestChat {
  readonly status: string
  readonly error: Error | undefined
  messages: FoldedMessage[]
  readonly sendMessage: (message?: { text: string }, options?: object) => Promise<void>
  readonly resumeStream: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface ChatOptions {
  readonly id?: string
  readonly api: string
  readonly fetch: typeof globalThis.fetch
  readonly onData?: (part: { type: string; data: unknown }) => void
  readonly onFinish?: (end: { isAbort?: boolean; isError?: boolean; finishReason?: string }) => void
}

/** One major version of the package `ai`. */
export interface AiSdkReader {
  readonly version: AiSdkVersion
  /** The message that the frames of a body fold to. Rejects where the client would end the stream. */
  readonly read: (frames: string) => Promise<FoldedMessage | undefined>
  readonly createChat: (options: ChatOptions) => TestChat
}

interface State {
  status: string
  error: Error | undefined
  messages: FoldedMessage[]
}

/** The part of the package that all three versions have. */
interface Package {
  readonly readUIMessageStream: (options: object) => AsyncIterable<unknown>
  readonly DefaultChatTransport: new (options: object) => object
  readonly AbstractChat: new (options: object) => object
}

function createReader(version: AiSdkVersion, given: unknown): AiSdkReader {
  const { readUIMessageStream, DefaultChatTransport, AbstractChat } = given as Package
  return {
    version,
    async read(frames) {
      const fetch = async (): Promise<Response> =>
        new Response(frames, { headers: { 'content-type': 'text/event-stream' } })
      const transport = new DefaultChatTransport({ api: 'http://localhost/', fetch }) as {
        reconnectToStream: (options: object) => Promise<ReadableStream>
      }
      // Parses frames and checks each part by the schema of its version.
      const stream = await transport.reconnectToStream({ chatId: 'c' })
      let last: unknown
      for await (const message of readUIMessageStream({ stream, terminateOnError: true })) last = message
      return last as FoldedMessage | undefined
    },
    createChat({ id = 'c1', api, fetch, onData, onFinish }) {
      const state: State = { status: 'ready', error: undefined, messages: [] }
      let count = 0
      const chat = new AbstractChat({
        id,
        generateId: () => `g${(count += 1)}`,
        transport: new DefaultChatTransport({ api, fetch }),
        ...(onData && { onData }),
        ...(onFinish && { onFinish }),
        state: Object.assign(state, {
          pushMessage: (message: FoldedMessage) =>
            void (state.messages = [...state.messages, structuredClone(message)]),
          popMessage: () => void (state.messages = state.messages.slice(0, -1)),
          replaceMessage: (at: number, message: FoldedMessage) => {
            state.messages = state.messages.with(at, structuredClone(message))
          },
          snapshot: (value: unknown) => structuredClone(value),
        }),
      })
      return chat as unknown as TestChat
    },
  }
}

/** The newest major version and the two before. */
export const AI_SDK_READERS: readonly AiSdkReader[] = [createReader(5, ai5), createReader(6, ai6), createReader(7, ai7)]

/** Parts as frames, without joining any. */
export function toFrames(parts: readonly UIMessagePart[]): string {
  return parts.map(part => `data: ${JSON.stringify(part)}\n\n`).join('')
}

/** The parts of a body. */
export function readParts(frames: string): UIMessagePart[] {
  return [...frames.matchAll(/^data: (\{.*\})$/gm)].map(([, json]) => JSON.parse(json as string) as UIMessagePart)
}

/** The texts of a message that are not void, joined. */
export function textOf({ parts }: FoldedMessage): string {
  const voids = new Set(
    parts.flatMap(({ type, data }) => (type === 'data-task' ? [(data as { voids?: string }).voids] : [])),
  )
  return parts
    .filter(({ type, providerMetadata }) => {
      const textId = (providerMetadata as { dagstream?: { textId: string } } | undefined)?.dagstream?.textId
      return type === 'text' && !voids.has(textId)
    })
    .map(({ text }) => text as string)
    .join('')
}
