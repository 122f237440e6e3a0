// The handler behind Node's own HTTP server: a request in, a response out, and a client that leaves.
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream } from 'node:stream/web'
import { handleWorkflowRequest } from 'dagstream'

let tellStopped = (): void => {}
const stopped = new Promise<void>(resolve => {
  tellStopped = resolve
})
const tools = {
  quick: () => 'done',
  endless: (_: unknown, { signal }: { signal: AbortSignal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        tellStopped()
        reject(signal.reason as Error)
      })
    }),
}
const workflow = { tasks: ['quick', 'endless'].map(tool => ({ id: tool, tool })) }

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const client = new AbortController()
  outgoing.on('close', () => client.abort())
  const { method = 'GET', url = '/', headers } = incoming
  const accept = headers.accept ?? '*/*'
  const request = new Request(new URL(url, 'http://localhost'), { method, headers: { accept }, signal: client.signal })
  const response = await handleWorkflowRequest(request, workflow, { tools })
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (response.body === null) outgoing.end()
  // A client that leaves ends the pipeline with an error, and by that cancels the body: the tools stop.
  else await pipeline(Readable.fromWeb(response.body as ReadableStream), outgoing).catch(() => {})
}

const server = createServer((incoming, outgoing) => void serve(incoming, outgoing))
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo

const reader = new AbortController()
const response = await fetch(`http://127.0.0.1:${port}/`, {
  headers: { accept: 'text/event-stream' },
  signal: reader.signal,
})
let text = ''
for await (const chunk of response.body as unknown as ReadableStream<Uint8Array>) {
  text += new TextDecoder().decode(chunk)
  if (text.includes('task_complete')) break
}
reader.abort()
assert.ok(text.includes('"output":"done"'))
await stopped
await new Promise(resolve => server.close(resolve))
