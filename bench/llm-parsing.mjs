import OpenAI from 'openai'
import { loadModels } from './library.mjs'
import { createFetch, createMessage, cut, END } from './llm-model.mjs'
import { computeMedian } from './statistics.mjs'

const TOKEN_COUNT = 10_000
const WARMUP_ROUNDS = 3
const ROUNDS = 15

/**
 * The same bytes through our provider and through the official client of OpenAI, in one process, taking turns.
 * @param {{ chunkBytes?: number }} parameters the size of the body's chunks; without it each message is one
 * @returns µs per token of both, and ours over theirs
 */
export async function measureParsing({ chunkBytes }) {
  const messages = Array.from({ length: TOKEN_COUNT }, (_, at) => Buffer.from(createMessage(`tok${at} `)))
  messages.push(Buffer.from(END))
  const bytes = Buffer.concat(messages)
  const fetch = createFetch(() => (chunkBytes === undefined ? messages.values() : cut(bytes, chunkBytes)))
  const { OpenRouterProvider } = await loadModels()
  const provider = new OpenRouterProvider({ apiKey: 'key', fetch })
  const client = new OpenAI({ apiKey: 'key', baseURL: 'http://model.test/v1', fetch, maxRetries: 0 })
  const readers = { ours: () => readOurs(provider), theirs: () => readTheirs(client) }
  const times = { ours: [], theirs: [] }
  for (let round = 0; round < WARMUP_ROUNDS + ROUNDS; round++) {
    for (const who of round % 2 === 0 ? ['ours', 'theirs'] : ['theirs', 'ours']) {
      const startedAt = performance.now()
      const text = await readers[who]()
      if (round >= WARMUP_ROUNDS) times[who].push(performance.now() - startedAt)
      if (!text.endsWith('tok9999 ')) throw new Error(`Expected the whole text from ${who}`)
    }
  }
  const [ours, theirs] = [computeMedian(times.ours), computeMedian(times.theirs)]
  return { ours: (ours * 1000) / TOKEN_COUNT, theirs: (theirs * 1000) / TOKEN_COUNT, ratio: ours / theirs }
}

async function readOurs(provider) {
  let text = ''
  for await (const event of provider.generateStream('hi')) if (event.type === 'content') text += event.data
  return text
}

async function readTheirs(client) {
  const messages = [{ role: 'user', content: 'hi' }]
  const stream = await client.chat.completions.create({ model: 'm', messages, stream: true })
  let text = ''
  for await (const chunk of stream) text += chunk.choices[0]?.delta?.content ?? ''
  return text
}
