// The suite's own eyes on HTTP, so that nothing of dagstream judges dagstream.
import { connect } from 'node:net'

/**
 * Reads an event stream, message by message, each with its time of arrival; comments as `{ comment: true }`.
 * Leaving the loop closes the connection.
 */
export async function* readMessages(response, controller) {
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of response.body) {
      const at = performance.now()
      text += decoder.decode(chunk, { stream: true })
      const blocks = text.split('\n\n')
      text = blocks.pop()
      for (const block of blocks) yield { at, ...parseBlock(block) }
    }
  } finally {
    controller?.abort()
  }
}

function parseBlock(block) {
  if (block.startsWith(':')) return { comment: true }
  const fields = Object.fromEntries(block.split('\n').map(line => line.split(/: (.*)/s)))
  return { id: fields.id, event: fields.event, data: JSON.parse(fields.data) }
}

/** Hands a workflow in. */
export function post(base, tasks, headers = {}, signal) {
  return fetch(`${base}/executions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'text/event-stream', ...headers },
    body: JSON.stringify({ tasks }),
    signal,
  })
}

/** A client that sends a request and then reads nothing, until it is asked for the rest. */
export function openStalled(url) {
  const { hostname, port, pathname } = new URL(url)
  const socket = connect({ host: hostname, port })
  socket.pause()
  socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAccept: text/event-stream\r\n\r\n`)
  return {
    /** Reads what is left, at most for `waitMs`. @returns the last text, how many bytes came, and whether the connection was ended */
    readRest: waitMs =>
      new Promise(resolve => {
        let byteCount = 0
        let tail = ''
        const end = isEnded => {
          clearTimeout(timer)
          socket.destroy()
          resolve({ byteCount, tail, isEnded })
        }
        const timer = setTimeout(end, waitMs, false)
        socket.on('data', chunk => {
          byteCount += chunk.length
          tail = (tail + chunk.toString('latin1')).slice(-20_000)
        })
        // A reset is an end like any other here.
        socket
          .on('error', () => end(true))
          .on('end', () => end(true))
          .on('close', () => end(true))
        socket.resume()
      }),
  }
}
