import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { computeQuantiles, createMessage, END, serveModel } from './llm-model.mjs'

/** Models: how many tokens, and how long each waits for its turn, ms. */
const MODELS = {
  'fast: a token a turn': { tokenCount: 2000, firstMs: 0, gapMs: () => 0 },
  '1 KB/s': { tokenCount: 30, firstMs: 300, gapMs: () => 220 },
  'stalling: 1 s every 50': { tokenCount: 200, firstMs: 500, gapMs: at => (at % 50 === 49 ? 1000 : 5) },
}

/**
 * First token, delay, and the gaps between tokens as the model made them and as they came out, ms, through a real socket.
 * The delay is told twice: to the `token` event from the model's write, and from the provider's `content` event.
 */
export async function measureLatency({ OpenRouterProvider, createChatTool, StreamingExecutor }) {
  const rows = []
  for (const [name, model] of Object.entries(MODELS)) {
    let wroteAt = []
    const server = await serveModel(async (write, isOpen) => {
      const times = (wroteAt = [])
      await pause(model.firstMs)
      for (let at = 0; at < model.tokenCount && isOpen(); at++) {
        const gapMs = model.gapMs(at)
        await (gapMs === 0 ? turn() : pause(gapMs))
        times.push(performance.now())
        write(createMessage(`${at} `))
      }
      write(END)
    })
    const provider = new OpenRouterProvider({ apiKey: 'key', baseURL: server.baseURL })
    let givenAt = []
    const executor = new StreamingExecutor([createChatTool(watch(provider, times => (givenAt = times)))])
    const tasks = [{ id: 'a', tool: 'llm:chat', arguments: { prompt: 'hi' } }]
    await warmUp(executor, tasks)
    const startedAt = performance.now()
    const cameAt = []
    for await (const event of executor.stream({ tasks })) {
      if (event.type !== 'token') continue
      const now = performance.now()
      // Tokens of one turn come as one event.
      for (let left = event.data.text.split(' ').length - 1; left > 0; left--) cameAt.push(now)
    }
    server.close()
    if (cameAt.length !== model.tokenCount) throw new Error(`Expected ${model.tokenCount} tokens, got ${cameAt.length}`)
    rows.push({
      name,
      firstMade: wroteAt[0] - startedAt,
      firstCame: cameAt[0] - startedAt,
      delay: computeQuantiles(cameAt.map((at, index) => at - wroteAt[index])),
      ownDelay: computeQuantiles(cameAt.map((at, index) => at - givenAt[index])),
      gapsMade: computeQuantiles(listGaps(wroteAt)),
      gapsCame: computeQuantiles(listGaps(cameAt)),
    })
  }
  return rows
}

/** The same provider, which notes when it gave each token. */
function watch(provider, begin) {
  return {
    generate: (...args) => provider.generate(...args),
    async *generateStream(...args) {
      const times = []
      begin(times)
      for await (const event of provider.generateStream(...args)) {
        if (event.type === 'content') times.push(performance.now())
        yield event
      }
    },
  }
}

/** The first call connects and compiles. */
async function warmUp(executor, tasks) {
  const execution = executor.stream({ tasks })
  let tokenCount = 0
  for await (const event of execution) {
    if (event.type === 'token' && ++tokenCount === 20) execution.cancel()
  }
}

function listGaps(times) {
  return times.slice(1).map((at, index) => at - times[index])
}
