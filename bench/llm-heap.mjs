import { setTimeout as pause } from 'node:timers/promises'
import { createFetch, createMessage, END } from './llm-model.mjs'

const MIB = 1024 * 1024

/** What stays in the heap, and the most that was in it, MiB, while a stream of so many tokens is read. */
export async function measureHeap({ OpenRouterProvider, createChatTool, StreamingExecutor }, tokenCount) {
  // One message a turn of the event loop, as a network gives them: nothing is joined.
  const createProvider = count =>
    new OpenRouterProvider({ apiKey: 'key', fetch: createFetch(() => write(count), true) })
  const readAlone = async (count, onToken) => {
    for await (const event of createProvider(count).generateStream('hi')) if (event.type === 'content') onToken()
  }
  const readTask = async (count, onToken) => {
    const executor = new StreamingExecutor([createChatTool(createProvider(count))])
    const tasks = [{ id: 'a', tool: 'llm:chat', arguments: { prompt: 'hi' } }]
    const execution = executor.stream({ tasks })
    for await (const event of execution) if (event.type === 'token') onToken()
    return execution
  }
  const results = {}
  for (const [name, read] of Object.entries({
    'the provider alone': readAlone,
    'as a task, its log included': readTask,
  })) {
    // Code that is compiled on first use is not the stream's.
    await read(200, () => {})
    const before = await readHeap()
    const samples = []
    let count = 0
    let most = 0
    const every = Math.ceil(tokenCount / 12)
    const held = await read(tokenCount, () => {
      count += 1
      if (count % every !== 0) return
      globalThis.gc()
      const used = process.memoryUsage().heapUsed - before
      most = Math.max(most, used)
      samples.push(used / MIB)
    })
    results[name] = { samples, most: most / MIB, after: ((await readHeap()) - before) / MIB, held: held !== undefined }
  }
  return results
}

function* write(count) {
  for (let at = 0; at < count; at++) yield Buffer.from(createMessage(`tok${at} `))
  yield Buffer.from(END)
}

async function readHeap() {
  for (let round = 0; round < 2; round++) {
    await pause(100)
    globalThis.gc()
  }
  return process.memoryUsage().heapUsed
}
