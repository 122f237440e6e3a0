import { createParser } from '../../../sse/parse.ts'
import { MAX_MESSAGE_BYTES } from './message-bounds.ts'

/** The SDK takes this for an answer, after which it does not resume the stream. No request has this id. */
const END_MARK = 'data: {"jsonrpc":"2.0","id":0,"result":{}}\n\n'

/**
 * Reads the messages of a stream of events. The returned stream has what the SDK's transport needs to resume it: event ids,
 * the reconnection time, and a mark in the place of the answer. It ends and breaks as the original does.
 *
 * A last event without its blank line is read if its data is JSON.
 * @param read receives the data of each message in turn; resolves to whether the stream need not be resumed any more
 */
export function relayEvents(
  body: ReadableStream<Uint8Array>,
  read: (data: string) => Promise<boolean>,
): ReadableStream<Uint8Array> {
  const source = body.getReader()
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  const unread: string[] = []
  let relayed = ''
  const parser = createParser({
    maxMessageChars: MAX_MESSAGE_BYTES,
    onMessage: ({ event, data }) => {
      // Other events are not messages, and an event without data is a heartbeat.
      if (event === 'message' && data !== '') unread.push(data)
    },
    onRetry: retryMs => {
      relayed += `retry: ${retryMs}\n`
    },
  })
  const readAll = async (data: readonly string[]): Promise<string> => {
    let mark = ''
    for (const each of data) if (await read(each)) mark = END_MARK
    return mark
  }
  const take = async (text: string): Promise<string> => {
    const idBefore = parser.lastEventId
    parser.feed(text)
    const mark = await readAll(unread.splice(0))
    if (parser.lastEventId !== idBefore) relayed += `id: ${parser.lastEventId}\ndata:\n\n`
    const passed = relayed
    relayed = ''
    // The comment: a pull has to enqueue something.
    return `${passed}${mark}:\n`
  }
  return new ReadableStream(
    {
      async pull(out) {
        try {
          const { done, value } = await source.read()
          if (!done) return out.enqueue(encoder.encode(await take(decoder.decode(value, { stream: true }))))
          // The id of a message that was cut off is not relayed.
          parser.feed(`${decoder.decode()}\n\n`)
          out.enqueue(encoder.encode(`\n\n${await readAll(unread.filter(isJson))}`))
          out.close()
        } catch (error) {
          void source.cancel(error).catch(() => {})
          out.error(error)
        }
      },
      async cancel(reason) {
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
