import { createParser } from '../../sse/parse.ts'
import { MAX_MESSAGE_BYTES } from './process-transport.ts'

/** What becomes of a stream of events whose messages are read here. */
export interface StreamReader {
  /** The data of one event, in the order of the stream. */
  read(data: string): Promise<void>
  /**
   * The stream has ended, or broken.
   * @param hasEventIds the server numbers its events, so that the stream may be resumed
   * @returns a last event for the SDK; with `error` instead of one, the stream breaks for the SDK too
   */
  end(hasEventIds: boolean, error: unknown): { readonly event?: string; readonly isBroken?: boolean }
}

/**
 * A stream of events that has for the SDK's transport only what it needs to resume it: ids and the time to wait. The messages
 * go to `reader`. An event that ends with the stream, without its blank line, is read if it is whole.
 */
export function relayEvents(
  body: ReadableStream<Uint8Array>,
  reader: StreamReader,
  onCancel: () => void,
): ReadableStream<Uint8Array> {
  const source = body.getReader()
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  let undelivered: string[] = []
  let told = ''
  let hasEnded = false
  const parser = createParser({
    maxMessageChars: MAX_MESSAGE_BYTES,
    onMessage: ({ event, data }) => {
      // The SDK reads no others, and takes an event without data for a sign of life.
      if (event === 'message' && data !== '') undelivered.push(data)
    },
    onRetry: retryMs => {
      told += `retry: ${retryMs}\n`
    },
  })
  const take = async (text: string): Promise<string> => {
    const idBefore = parser.lastEventId
    parser.feed(text)
    const messages = undelivered
    undelivered = []
    for (const data of messages) await reader.read(data)
    if (parser.lastEventId !== idBefore) told += `id: ${parser.lastEventId}\ndata:\n\n`
    const passed = told
    told = ''
    // A comment, where there is nothing to tell: a stream that is pulled has to give something.
    return `${passed}:\n`
  }
  const finish = async (out: ReadableStreamDefaultController<Uint8Array>, error?: unknown): Promise<void> => {
    if (hasEnded) return
    hasEnded = true
    // What follows here is not told to the SDK, so that it could not resume from there.
    const hasEventIds = parser.lastEventId !== ''
    if (error === undefined) {
      parser.feed(`${decoder.decode()}\n\n`)
      for (const data of undelivered) if (isJson(data)) await reader.read(data)
    }
    const { event, isBroken } = reader.end(hasEventIds, error)
    if (isBroken) return out.error(error)
    if (event !== undefined) out.enqueue(encoder.encode(`\n\ndata: ${event}\n\n`))
    out.close()
  }
  return new ReadableStream(
    {
      async pull(out) {
        try {
          const { done, value } = await source.read()
          if (done) return await finish(out)
          out.enqueue(encoder.encode(await take(decoder.decode(value, { stream: true }))))
        } catch (error) {
          void source.cancel(error).catch(() => {})
          await finish(out, error)
        }
      },
      async cancel(reason) {
        onCancel()
        await source.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
