// What dagstream adds to a language model: its delay, its memory, and its parsing beside the official client of OpenAI.
// Usage: node bench/llm.mjs [parsing|latency|heap|hour]… (all without one; `DAGSTREAM_DIST` names another build)
import { spawnSync } from 'node:child_process'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { formatEnvironment, readEnvironment } from './environment.mjs'
import { formatNumber, formatTable } from './tables.mjs'

const HOUR_TOKENS = 50 * 3600
const SECTIONS = { parsing: printParsing, latency: printLatency, heap: printHeap, hour: printHour }

const dist = process.env.DAGSTREAM_DIST
const root = dist ? new URL(`${pathToFileURL(dist).href}/`) : new URL('../dist/', import.meta.url)

if (process.argv[2] === '--section') await SECTIONS[process.argv[3]]()
else {
  console.log(`${formatEnvironment(readEnvironment())}\n`)
  const asked = process.argv.slice(2)
  for (const section of asked.length > 0 ? asked : Object.keys(SECTIONS)) {
    // A process each: what one compiles and leaves behind is not another's.
    const args = ['--expose-gc', fileURLToPath(import.meta.url), '--section', section]
    const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' })
    if (status !== 0) process.exit(status ?? 1)
  }
}

async function load() {
  const [library, llm] = await Promise.all([
    import(new URL('index.js', root).href),
    import(new URL('tools/llm/index.js', root).href),
  ])
  return { ...library, ...llm }
}

async function printParsing() {
  const { measureParsing } = await import('./llm-parsing.mjs')
  const rows = await measureParsing({ ...(await load()), rounds: 15 })
  console.log('Parsing 10,000 tokens, µs per token (target: at least as fast)\n')
  console.log(
    `${formatTable(
      ['chunks of the body', 'dagstream', 'openai', 'openai / dagstream'],
      rows.map(([name, ...figures]) => [name, ...figures.map(formatNumber)]),
    )}\n`,
  )
}

async function printLatency() {
  const { measureLatency } = await import('./llm-latency.mjs')
  const show = ({ p50, p95, max }) => [p50, p95, max].map(formatNumber).join(' · ')
  const rows = (await measureLatency(await load())).map(row => [
    row.name,
    `${formatNumber(row.firstMade)} → ${formatNumber(row.firstCame)}`,
    show(row.ownDelay),
    show(row.delay),
    show(row.gapsMade),
    show(row.gapsCame),
  ])
  console.log('From a model to `token` events, ms; p50 · p95 · max (target: p95 of provider → event under 1 ms)\n')
  console.log(
    `${formatTable(['model', 'first token', 'provider → event', 'write → event', 'gaps as made', 'gaps as seen'], rows)}\n`,
  )
}

async function printHeap() {
  const { measureHeap } = await import('./llm-heap.mjs')
  printHeapOf('A stream of 10,000 tokens, MiB of heap (target: under 4)', await measureHeap(await load(), 10_000))
}

async function printHour() {
  const { measureHeap } = await import('./llm-heap.mjs')
  const results = await measureHeap(await load(), HOUR_TOKENS)
  printHeapOf('An hour at 50 tokens/s, time compressed, MiB of heap at every twelfth', results)
  for (const [name, { samples }] of Object.entries(results)) {
    console.log(`${name}: ${samples.map(sample => sample.toFixed(1)).join(' ')}\n`)
  }
}

function printHeapOf(title, results) {
  const rows = Object.entries(results).map(([name, { most, after }]) => [name, most.toFixed(2), after.toFixed(2)])
  console.log(`${title}\n\n${formatTable(['', 'most', 'after it'], rows)}\n`)
}
