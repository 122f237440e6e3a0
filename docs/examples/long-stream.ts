// A long answer of a model, shown in the terminal as it is written.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectExecution, SSEStreamer, StreamingExecutor } from 'dagstream'
import { createChatTool, OpenRouterProvider } from 'dagstream/tools/llm'

const words = Array.from({ length: 1000 }, (_, n) => (n % 20 === 19 ? `word ${n}\n` : `word ${n}, `))

// Instead of a network: a model that writes ten words at a time, with a pause before each ten.
const toMessage = (data: string): string => `data: ${data}\n\n`
let written = 0
const body = new ReadableStream<Uint8Array>({
  async pull(controller) {
    await sleep(1)
    const next = words.slice(written, (written += 10))
    const messages = next.map(content => toMessage(JSON.stringify({ choices: [{ delta: { content } }] })))
    controller.enqueue(Buffer.from(messages.join('') || toMessage('[DONE]')))
    if (next.length === 0) controller.close()
  },
})
const headers = { 'content-type': 'text/event-stream' }
const fetch = async (): Promise<Response> => new Response(body, { headers })
// Against OpenRouter: `new OpenRouterProvider()`, with its key in `OPENROUTER_API_KEY`.
const provider = new OpenRouterProvider({ apiKey: 'none', fetch })
const executor = new StreamingExecutor([createChatTool(provider)])

// The steps of a program of your own: listen, start, connect.
const pieces: string[] = []
const streamer = new SSEStreamer()
streamer.subscribe(({ type, data }) => {
  if (type === 'token') {
    process.stdout.write(data)
    pieces.push(data)
  }
  if (type === 'complete') console.log(`${data.metrics.tokens} pieces, ${Math.round(data.metrics.totalTime)} ms`)
})
const execution = executor.stream({ tasks: [{ id: 'a', tool: 'llm:chat', arguments: { prompt: 'Write!' } }] })
await connectExecution(execution, streamer)

assert.equal(pieces.join(''), words.join(''))
assert.ok(pieces.length > 10, 'the text is shown while it is written')
assert.equal((await execution.result).status, 'success')
