import OpenAI from 'openai'
import { createFetch, createMessage, cut, END } from './llm-model.mjs'
import { computeMedian } from './statistics.mjs'

const TOKEN_COUNT = 10_000
const CHUNK_SIZES = { 'as one message each': undefined, '1 KiB': 1024, '16 KiB': 16 * 1024, '64 KiB': 64 * 1024 }

/**
 * The same bytes through our provider and through the official client of OpenAI, in one process, taking turns.
 * @returns rows: the chunks, µs per token of ours, of theirs, and theirs over ours
 */
export async function measureParsing({ OpenRouterProvider, rounds }) {
  const messages = Array.from({ length: TOKEN_COUNT }, (_, at) => Buffer.from(createMessage(`tok${at} `)))
  messages.push(Buffer.from(END))
  const bytes = Buffer.concat(messages)
  const rows = []
  for (const [name, size] of Object.entries(CHUNK_SIZES)) {
    const fetch = createFetch(() => (size === undefined ? messages.values() : cut(bytes, size)))
    const provider = new OpenRouterProvider({ apiKey: 'key', fetch })
    const client = new OpenAI({ apiKey: 'key', baseURL: 'http://model.test/v1', fetch, maxRetries: 0 })
    const times = { ours: [], theirs: [] }
    for (let round = 0; round < rounds + 3; round++) {
      for (const who of round % 2 === 0 ? ['ours', 'theirs'] : ['theirs', 'ours']) {
        const startedAt = performance.now()
        const text = who === 'ours' ? await readOurs(provider) : await readTheirs(client)
        if (round >= 3) times[who].push(performance.now() - startedAt)
        if (!text.endsWith('tok9999 ')) throw new Error(`Expected the whole text from ${who}`)
      }
    }
    const [ours, theirs] = [computeMedian(times.ours), computeMedian(times.theirs)]
    rows.push([name, (ours * 1000) / TOKEN_COUNT, (theirs * 1000) / TOKEN_COUNT, theirs / ours])
  }
  return rows
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
