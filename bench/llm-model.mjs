import { createServer } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'

/** One message of a streamed chat completion as OpenRouter writes it, about 230 bytes. */
export function createMessage(content, finish = null) {
  const choice = { index: 0, delta: { role: 'assistant', content }, finish_reason: finish, native_finish_reason: null }
  const chunk = {
    id: 'gen-1760000000-abcdefghijklmnop',
    provider: 'Example',
    model: 'example/model',
    object: 'chat.completion.chunk',
    created: 1760000000,
    choices: [choice],
  }
  return `data: ${JSON.stringify(chunk)}\n\n`
}

export const END = `${createMessage('', 'stop')}data: {"model":"example/model","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":10000,"total_tokens":10010,"cost":0.01}}\n\ndata: [DONE]\n\n`

/**
 * A `fetch` whose answers are these chunks; the body is pulled, so that nothing waits in memory.
 * @param {() => Iterator<Uint8Array>} chunks
 * @param {boolean} isPaced a turn of the event loop for each chunk, as a network gives them
 */
export function createFetch(chunks, isPaced = false) {
  return async () => {
    const source = chunks()
    const body = new ReadableStream(
      {
        async pull(controller) {
          if (isPaced) await turn()
          const { done, value } = source.next()
          if (done) controller.close()
          else controller.enqueue(value)
        },
      },
      { highWaterMark: 0 },
    )
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  }
}

/** The bytes in chunks of a size. @param {Uint8Array} bytes @param {number} size */
export function* cut(bytes, size) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

/**
 * A model on a free port of this machine, in this process, so that one clock measures both ends.
 * @param {(write: (bytes: string | Uint8Array) => void, isOpen: () => boolean) => Promise<void>} answer writes the answer to each request, then resolves
 */
export async function serveModel(answer) {
  const server = createServer((request, response) => {
    request.resume()
    response.socket.setNoDelay(true)
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.flushHeaders()
    const write = bytes => void response.write(bytes)
    // A failure of the bench itself: it is to end it.
    void answer(write, () => !response.destroyed).then(() => response.end())
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    baseURL: `http://127.0.0.1:${server.address().port}/v1`,
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
