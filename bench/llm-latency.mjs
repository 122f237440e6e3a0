import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { loadModels, StreamingExecutor } from './library.mjs'
import { createMessage, cut, END, serveModel } from './llm-model.mjs'
import { computeQuantile } from './statistics.mjs'

/**
 * Models: how many tokens they write, how long before the first, how long for each (ms; 0 for a turn of the event loop),
 * and in pieces of how many bytes, where that is less than a message.
 */
const MODELS = {
  fast: { tokenCount: 2000, firstMs: 0, gapMs: () => 0 },
  '1 KB/s': { tokenCount: 24, firstMs: 100, gapMs: (_, bytes) => bytes, pieceBytes: 32 },
  stalling: { tokenCount: 200, firstMs: 400, gapMs: at => (at % 50 === 49 ? 1000 : 5) },
}

const QUANTILES = { p50: 0.5, p95: 0.95, max: 1 }

/** The first calls, which connect and compile. */
const WARMUP = { ...MODELS.fast, tokenCount: 500 }

const TASKS = [{ id: 'a', tool: 'llm:chat', arguments: { prompt: 'hi' } }]

/**
 * First token, delay, and the gaps between tokens as the model made them and as they came out, ms, through a real socket.
 * The delay is reported twice: to the `token` event from the write of its last byte, and from the provider's `content`
 * event; beside the former, how long such bytes take to a bare `fetch`.
 * @param {{ model: keyof typeof MODELS }} parameters
 */
export async function measureLatency({ model }) {
  const { OpenRouterProvider, createChatTool } = await loadModels()
  let answering = WARMUP
  let wroteAt = []
  const server = await serveModel(async (write, isOpen) => {
    wroteAt = []
    await writeAnswer(answering, write, isOpen, wroteAt)
  })
  const watched = watch(new OpenRouterProvider({ apiKey: 'key', baseURL: server.baseURL }))
  const executor = new StreamingExecutor([createChatTool(watched.provider)])
  await readTokens(executor)
  answering = MODELS[model]
  const { tokenCount } = answering
  const { startedAt, cameAt } = await readTokens(executor)
  const madeAt = wroteAt
  const readAt = await readBytes(server.baseURL, tokenCount)
  server.close()
  if (cameAt.length !== tokenCount) throw new Error(`Expected ${tokenCount} tokens, got ${cameAt.length}`)
  const quantiles = {
    'provider to event': cameAt.map((at, index) => at - watched.givenAt[index]),
    'write to event': cameAt.map((at, index) => at - madeAt[index]),
    'write to bytes': readAt.map((at, index) => at - wroteAt[index]),
    'gaps made': listGaps(madeAt),
    'gaps seen': listGaps(cameAt),
  }
  return {
    firstMade: madeAt[0] - startedAt,
    firstSeen: cameAt[0] - startedAt,
    ...Object.fromEntries(
      Object.entries(quantiles).flatMap(([name, values]) =>
        Object.entries(QUANTILES).map(([quantile, share]) => [`${name}, ${quantile}`, computeQuantile(values, share)]),
      ),
    ),
  }
}

async function writeAnswer({ tokenCount, firstMs, gapMs, pieceBytes = Infinity }, write, isOpen, wroteAt) {
  await pause(firstMs)
  for (let at = 0; at < tokenCount && isOpen(); at++) {
    const message = Buffer.from(createMessage(`${at} `))
    const pieces = [...cut(message, Math.min(pieceBytes, message.length))]
    const pauseMs = gapMs(at, message.length) / pieces.length
    for (const [index, piece] of pieces.entries()) {
      await (pauseMs === 0 ? turn() : pause(pauseMs))
      if (index === pieces.length - 1) wroteAt.push(performance.now())
      write(piece)
    }
  }
  write(END)
}

/** When each token came. */
async function readTokens(executor) {
  const startedAt = performance.now()
  const cameAt = []
  for await (const event of executor.stream({ tasks: TASKS })) {
    if (event.type !== 'token') continue
    const now = performance.now()
    // Tokens of one turn come as one event.
    for (let left = event.data.text.split(' ').length - 1; left > 0; left--) cameAt.push(now)
  }
  return { startedAt, cameAt }
}

/** When the last byte of each token was read, by who does nothing else. */
async function readBytes(url, tokenCount) {
  const { body } = await fetch(`${url}/chat/completions`, { method: 'POST' })
  const readAt = []
  let lineCount = 0
  for await (const bytes of body) {
    const now = performance.now()
    for (const byte of bytes) lineCount += byte === 0x0a ? 1 : 0
    // A message is a line and an empty one; what comes after the tokens ends the answer.
    while (readAt.length < Math.min(tokenCount, lineCount >> 1)) readAt.push(now)
  }
  return readAt
}

/** The same provider, which notes when it gave each token of its last answer. */
function watch(provider) {
  const watched = {
    givenAt: [],
    provider: {
      generate: (...args) => provider.generate(...args),
      async *generateStream(...args) {
        watched.givenAt = []
        for await (const event of provider.generateStream(...args)) {
          if (event.type === 'content') watched.givenAt.push(performance.now())
          yield event
        }
      },
    },
  }
  return watched
}

function listGaps(times) {
  return times.slice(1).map((at, index) => at - times[index])
}
