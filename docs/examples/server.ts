// A server that holds executions: a stream that breaks is gone on with, exactly where it broke, and nothing runs twice.
import assert from 'node:assert/strict'
import { createHandler } from 'dagstream/http'
import { serve } from 'dagstream/http/node'
import { parseStream } from 'dagstream/sse'

let callCount = 0
let finish: (output: string) => void
const tools = {
  quick: () => `call ${(callCount += 1)}`,
  slow: () => new Promise<string>(resolve => (finish = resolve)),
}
const token = 'a-secret-of-this-server'
const handler = createHandler({ tools, token, onDisconnect: { graceMs: 5000 } })
const server = await serve(handler, { port: 0 })

const ask = (path: string, more: Record<string, string> = {}, body?: string): Promise<Response> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...more }
  return fetch(server.url + path, body === undefined ? { headers } : { method: 'POST', headers, body })
}
const workflow = {
  tasks: [
    { id: 'first', tool: 'quick' },
    { id: 'second', tool: 'slow', dependsOn: ['first'] },
  ],
}

// A client that reads up to the first task's end, and is gone.
const body = JSON.stringify({ workflow, options: { maxConcurrency: 4 } })
const stream = await ask('/executions', { accept: 'text/event-stream' }, body)
const executionId = stream.headers.get('execution-id')
assert.ok(stream.body)
let lastEventId = ''
for await (const { event, id } of parseStream(stream.body)) {
  lastEventId = id ?? lastEventId
  if (event === 'task_complete') break
}
assert.equal(lastEventId, `${executionId}.3`)

// The client reconnects: it does not receive earlier events again, and no tool is called again.
const resumed = await ask(`/executions/${executionId}/events`, { 'last-event-id': lastEventId })
finish!('done')
assert.ok(resumed.body)
const types: string[] = []
for await (const { event } of parseStream(resumed.body)) types.push(event)
assert.deepEqual(types, ['task_start', 'task_complete', 'execution_complete'])
assert.equal(callCount, 1)

// The result without a stream. Every request needs the token.
const { status, result } = await (await ask(`/executions/${executionId}`)).json()
assert.deepEqual([status, result.results[1].output], ['success', 'done'])
assert.equal((await fetch(`${server.url}/executions/${executionId}`)).status, 401)
await server.close()
