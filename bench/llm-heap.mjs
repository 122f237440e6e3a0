import { readHeap } from './heap-size.mjs'
import { loadModels, StreamingExecutor } from './library.mjs'
import { createFetch, createMessage, END } from './llm-model.mjs'

const MB = 1e6
/** A log evicts old entries in batches: only the minimum of many samples shows the lasting memory. */
const SAMPLES_PER_THIRD = 20

const READERS = { provider: readProvider, task: readTask }

/**
 * What a stream of tokens holds in the heap, MB: at most, the least of each third of it, and after it, as long as its
 * reader holds on to the execution. One message a turn of the event loop, as a network gives them: nothing is joined.
 * Needs `--expose-gc`.
 * @param {{ reader: keyof typeof READERS, tokenCount: number }} parameters
 */
export async function measureStreamHeap({ reader, tokenCount }) {
  const { OpenRouterProvider, createChatTool } = await loadModels()
  const read = (count, onToken) => {
    const fetch = createFetch(() => listMessages(count), true)
    return READERS[reader](new OpenRouterProvider({ apiKey: 'key', fetch }), onToken, createChatTool)
  }
  // Code that is compiled on first use is not the stream's.
  await read(200, () => {})
  const before = await readHeap()
  const samples = []
  const every = Math.floor(tokenCount / (3 * SAMPLES_PER_THIRD))
  let count = 0
  const held = await read(tokenCount, () => {
    count += 1
    if (count % every !== 0) return
    globalThis.gc()
    samples.push((process.memoryUsage().heapUsed - before) / MB)
  })
  if (count !== tokenCount) throw new Error(`Expected ${tokenCount} tokens, got ${count}`)
  const after = ((await readHeap()) - before) / MB
  // Read after the heap was, so that what was read is in it.
  if (reader === 'task' && (await held.result).status !== 'success') throw new Error('Expected the task to succeed')
  const [first, second, third] = [0, 1, 2].map(at =>
    Math.min(...samples.slice(at * SAMPLES_PER_THIRD, (at + 1) * SAMPLES_PER_THIRD)),
  )
  return { most: Math.max(...samples), first, second, third, after, growth: Math.max(0, third - second) }
}

async function readProvider(provider, onToken) {
  for await (const event of provider.generateStream('hi')) if (event.type === 'content') onToken()
}

async function readTask(provider, onToken, createChatTool) {
  const executor = new StreamingExecutor([createChatTool(provider)])
  const execution = executor.stream({ tasks: [{ id: 'a', tool: 'llm:chat', arguments: { prompt: 'hi' } }] })
  for await (const event of execution) if (event.type === 'token') onToken()
  return execution
}

function* listMessages(count) {
  for (let at = 0; at < count; at++) yield Buffer.from(createMessage(`tok${at % 1000} `))
  yield Buffer.from(END)
}
