import { createParser, type ParserOptions, type SSEMessage } from './parse.ts'

/**
 * The messages of a byte stream, each as soon as it is complete.
 *
 * Locks the stream; leaving the loop, at any point, cancels it. An incomplete message at its end is discarded.
 * @throws DagstreamError `INVALID_SSE` for a message over the bound, after those before it; and any failure of the stream
 */
export async function* parseStream(
  stream: ReadableStream<Uint8Array>,
  options: Omit<ParserOptions, 'onMessage'> = {},
): AsyncGenerator<SSEMessage, void, undefined> {
  const messages: SSEMessage[] = []
  const parser = createParser({ ...options, onMessage: message => messages.push(message) })
  // 9.2.5: event streams are UTF-8 always; the decoder removes one byte order mark.
  const decoder = new TextDecoder()
  const reader = stream.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      let failure: { readonly error: unknown } | undefined
      try {
        parser.feed(decoder.decode(value, { stream: true }))
      } catch (error) {
        // Messages completed before the failure are delivered first, wherever the chunks were cut.
        failure = { error }
      }
      yield* messages.splice(0)
      if (failure) throw failure.error
    }
  } finally {
    // Not awaited: a slow source must not delay leaving. Its failure no longer matters.
    reader.cancel().catch(() => {})
    reader.releaseLock()
  }
}
