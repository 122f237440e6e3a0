// One given workflow on a server of one's own: a request in, a response out, and a client that leaves.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { handleWorkflowRequest } from 'dagstream/http'
import { createListener } from 'dagstream/http/node'

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

const listener = createListener({ fetch: request => handleWorkflowRequest(request, workflow, { tools }) })
const server = createServer(listener)
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo

const reader = new AbortController()
const response = await fetch(`http://127.0.0.1:${port}/`, {
  headers: { accept: 'text/event-stream' },
  signal: reader.signal,
})
assert.ok(response.body)
let text = ''
for await (const chunk of response.body) {
  text += new TextDecoder().decode(chunk)
  if (text.includes('task_complete')) break
}
reader.abort()
assert.ok(text.includes('"output":"done"'))
// The client has disconnected, so the tool was aborted.
await stopped
await new Promise(resolve => server.close(resolve))
