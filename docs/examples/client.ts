// A client whose connection breaks in the middle: every event comes once, in order, and nothing runs twice.
import assert from 'node:assert/strict'
import { createClient, type HttpError } from 'dagstream/client'
import { createHandler } from 'dagstream/http'

// The server is a handler in this process; against a real one, leave `fetch` out.
const handler = createHandler({ tools: { join: ({ parts }: { parts: string[] }) => parts.join(' ') } })
let requestCount = 0
const reconnects: number[] = []
const client = createClient({
  url: 'http://localhost',
  fetch: async request => {
    requestCount += 1
    const response = await handler.fetch(request)
    return requestCount === 1 ? cutAfter(150, response) : response
  },
  reconnection: { initialDelayMs: 10, onReconnect: ({ attempt }) => void reconnects.push(attempt) },
})
const workflow = {
  tasks: [
    { id: 'a', tool: 'join', arguments: { parts: ['Hello,', '$INPUT'] } },
    { id: 'b', tool: 'join', arguments: { parts: ['$OUTPUT[a]', 'and welcome'] } },
  ],
}

const execution = client.stream(workflow, { input: 'Ada' })
const types: string[] = []
for await (const { type } of execution) types.push(type)
assert.deepEqual(types, [
  'execution_start',
  'task_start',
  'task_complete',
  'task_start',
  'task_complete',
  'execution_complete',
])
assert.deepEqual(reconnects, [1])
assert.equal((await execution.result).results[1]?.output, 'Hello, Ada and welcome')

// The same as one result; and one that the server refuses, with every reason.
assert.equal((await client.execute(workflow, { input: 'Bob' })).status, 'success')
await assert.rejects(client.execute({ tasks: [{ id: 'a', tool: 'jion' }] }), (error: HttpError) => {
  assert.deepEqual([error.code, error.status, error.details['issueCount']], ['HTTP_ERROR', 422, 1])
  return true
})
await handler.close()

/** The response, cut off after this many bytes. */
function cutAfter(bytes: number, { body, status, headers }: Response): Response {
  let left = bytes
  const cut = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, left))
      left -= chunk.length
      if (left < 0) controller.error(new TypeError('terminated'))
    },
  })
  return new Response(body?.pipeThrough(cut) ?? null, { status, headers })
}
