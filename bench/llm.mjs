import { formatNumber, formatRange, formatTable } from './tables.mjs'

const KIB = 1024
const STREAM_TOKENS = 10_000
/** An hour at 50 tokens per second, its time compressed: as fast as they can be read. */
const HOUR_TOKENS = 50 * 3600
/** Maximum delay of a reader if the model itself is as fast, ms. */
const MAX_FIRST_MS = 500
const MAX_GAP_MS = 100

const CHUNKS = { 'a message each': undefined, '1 KiB': KIB, '16 KiB': 16 * KIB, '64 KiB': 64 * KIB }
const MODELS = ['fast', '1 KB/s', 'stalling']
const READERS = { provider: 'the provider alone', task: 'as a task, its log included' }

const parsingKey = name => `llm parsing ${name}`
const latencyKey = model => `llm latency ${model}`
const heapKey = (reader, tokenCount) => `llm heap ${reader} ${tokenCount}`

/**
 * The cost between a language model and its `token` events: delay, memory, and parsing compared with the client of OpenAI.
 */
export function listLlmCases({ isCheck }) {
  const heap = (reader, tokenCount, maxRounds) => ({
    key: heapKey(reader, tokenCount),
    kind: 'llm heap',
    needsGc: true,
    reader,
    tokenCount,
    maxRounds,
  })
  const maxRounds = isCheck ? 1 : 3
  return [
    ...Object.entries(CHUNKS).map(([name, chunkBytes]) => ({
      key: parsingKey(name),
      kind: 'llm parsing',
      chunkBytes,
      maxRounds: 3,
    })),
    ...MODELS.map(model => ({ key: latencyKey(model), kind: 'llm latency', model, maxRounds: 3 })),
    ...Object.keys(READERS).map(reader => heap(reader, STREAM_TOKENS, maxRounds)),
    ...Object.keys(READERS).map(reader => heap(reader, HOUR_TOKENS, 1)),
  ]
}

/** @param {Record<string, any>} results figures by key */
export function reportLlm(results) {
  const parsing = Object.keys(CHUNKS).map(name => {
    const { ours, theirs, ratio } = results[parsingKey(name)]
    return [name, formatRange(ours), formatRange(theirs), formatNumber(ratio.median)]
  })
  const quantiles = (model, name) =>
    ['p50', 'p95', 'max'].map(each => formatNumber(results[latencyKey(model)][`${name}, ${each}`].median)).join(' · ')
  const waits = MODELS.map(model => {
    const { firstMade, firstSeen } = results[latencyKey(model)]
    const firsts = [firstMade, firstSeen].map(({ median }) => formatNumber(median))
    return [model, ...firsts, quantiles(model, 'gaps made'), quantiles(model, 'gaps seen')]
  })
  const delays = MODELS.map(model => [
    model,
    ...['provider to event', 'write to event', 'write to bytes'].map(name => quantiles(model, name)),
  ])
  const heap = (tokenCount, names) =>
    Object.entries(READERS).map(([reader, title]) => {
      const figures = results[heapKey(reader, tokenCount)]
      return [title, ...names.map(name => figures[name].median.toFixed(2))]
    })
  return [
    [
      `Parsing ${STREAM_TOKENS.toLocaleString('en')} tokens, µs per token, by the chunks of the body`,
      formatTable(['chunks', 'dagstream', 'openai', '× openai'], parsing),
    ],
    [
      'First token, and the gaps between tokens, as the model made them and as `token` events came, ms: p50 · p95 · max',
      formatTable(['model', 'first made', 'first seen', 'gaps made', 'gaps seen'], waits),
    ],
    [
      'Delay of a token, ms: p50 · p95 · max',
      formatTable(['model', 'provider → event', 'written → event', 'written → bare `fetch`'], delays),
    ],
    [
      `Heap of a stream of ${STREAM_TOKENS.toLocaleString('en')} tokens, MB`,
      formatTable(['', 'at most', 'after it'], heap(STREAM_TOKENS, ['most', 'after'])),
    ],
    [
      `Heap of an hour at 50 tokens per second, ${HOUR_TOKENS.toLocaleString('en')} tokens, MB`,
      formatTable(
        ['', 'least of the first third', 'of the second', 'of the last', 'at most', 'after it'],
        heap(HOUR_TOKENS, ['first', 'second', 'third', 'most', 'after']),
      ),
    ],
  ]
}

/** The stated figures about language models. @returns {import('./figures.mjs').Figure[]} */
export function listLlmFigures(results) {
  const latency = (name, target, models, figure) => ({
    name: `Language model: ${name}`,
    unit: 'ms',
    measured: Math.max(...models.map(model => results[latencyKey(model)]?.[figure]?.median)),
    target,
  })
  const heap = (name, target, reader, tokenCount, figure) => ({
    name: `Language model: ${name}, ${READERS[reader]}`,
    unit: 'MB',
    measured: results[heapKey(reader, tokenCount)]?.[figure]?.median,
    target,
  })
  const readers = Object.keys(READERS)
  return [
    latency('provider to `token` event, p95, worst of 3 models', 1, MODELS, 'provider to event, p95'),
    latency('first token, worst of 3 models', MAX_FIRST_MS, MODELS, 'firstSeen'),
    latency('gaps between tokens of a fast model, max', MAX_GAP_MS, ['fast'], 'gaps seen, max'),
    latency('gaps between tokens of a stalling model, p95', MAX_GAP_MS, ['stalling'], 'gaps seen, p95'),
    ...readers.map(reader => heap('10,000 tokens in the heap', 4, reader, STREAM_TOKENS, 'most')),
    ...readers.map(reader => heap('an hour, last third beyond the second', 1, reader, HOUR_TOKENS, 'growth')),
    {
      name: 'Language model: parsing beside `openai`, worst of 4 sizes of chunks',
      unit: '×',
      measured: Math.max(...Object.keys(CHUNKS).map(name => results[parsingKey(name)]?.ratio.median)),
      target: 1,
    },
  ]
}
