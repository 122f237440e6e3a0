// A request answered as a stream or as one result. The handler takes a `Request` and gives a `Response`, nothing else.
import assert from 'node:assert/strict'
import { type DAGStructure, handleWorkflowRequest } from 'dagstream'
import { decodeEvent, parseStream } from 'dagstream/sse'

const workflow: DAGStructure = {
  tasks: [
    { id: 'hello', tool: 'greet', arguments: { name: '$INPUT.name' } },
    { id: 'again', tool: 'greet', arguments: { name: '$OUTPUT[hello]' } },
  ],
}
const tools = { greet: ({ name }: { name: string }) => `Hello, ${name}` }
const answer = (headers: Record<string, string>, input: unknown = { name: 'Ada' }): Promise<Response> =>
  handleWorkflowRequest(new Request('http://localhost/greeting', { headers }), workflow, { tools, input })

const streamed = await answer({ accept: 'text/event-stream' })
assert.equal(streamed.headers.get('content-type'), 'text/event-stream; charset=utf-8')
assert.ok(streamed.body)
const types: string[] = []
// Message by message, as the bytes come in.
for await (const message of parseStream(streamed.body)) types.push(decodeEvent(message)?.type ?? message.event)
assert.deepEqual(types, [
  'execution_start',
  'task_start',
  'task_complete',
  'task_start',
  'task_complete',
  'execution_complete',
])

const whole = await answer({ accept: 'application/json' })
const result = (await whole.json()) as { status: string; results: { output: string }[] }
assert.equal(result.status, 'success')
assert.equal(result.results[1]?.output, 'Hello, Hello, Ada')

// Nothing is run again for a reconnect, for a type that cannot be had, or for an input that does not fit.
assert.equal((await answer({ accept: 'text/event-stream', 'last-event-id': 'x.3' })).status, 204)
assert.equal((await answer({ accept: 'image/png' })).status, 406)
const refused = await answer({}, {})
assert.equal(refused.status, 422)
assert.equal(refused.headers.get('content-type'), 'application/problem+json')
