// Measures one case in a process of its own, so that no case is warmed up, or spoilt, by another.
import { once } from 'node:events'
import { createShape } from './shapes.mjs'
import { computeMedian } from './statistics.mjs'

/** Each kind of case, loaded only where it is asked for, gives its figures by name. */
const KINDS = {
  run: measureRuns,
  'eager lines': async parameters => (await import('./eager-runs.mjs')).measureLines(parameters),
  'eager first': async parameters => (await import('./eager-runs.mjs')).measureFirst(parameters),
  'eager virtual': async parameters => (await import('./eager-runs.mjs')).measureVirtual(parameters),
  'eager real': async parameters => (await import('./eager-runs.mjs')).measureReal(parameters),
  heap: async parameters => (await import('./heap.mjs')).measureHeap(parameters),
  turns: async parameters => (await import('./turns.mjs')).measureTurns(parameters),
  schedule: async parameters => (await import('./schedule.mjs')).measureSchedule(parameters),
  formats: async parameters => (await import('./formats-encoding.mjs')).measureFormats(parameters),
  http: async parameters => (await import('./http-scenarios.mjs')).measureScenario(parameters),
  'llm parsing': async parameters => (await import('./llm-parsing.mjs')).measureParsing(parameters),
  'llm latency': async parameters => (await import('./llm-latency.mjs')).measureLatency(parameters),
  'llm heap': async parameters => (await import('./llm-heap.mjs')).measureStreamHeap(parameters),
  language: async parameters => (await import('./language-runs.mjs')).measureLanguage(parameters),
  'language heap': async parameters => (await import('./language-runs.mjs')).measureLanguageHeap(parameters),
  'language condition': async () => (await import('./language-condition.mjs')).measureConditions(),
  'living fork': async parameters => (await import('./living-runs.mjs')).measureFork(parameters),
  'living hits': async parameters => (await import('./living-runs.mjs')).measureHits(parameters),
  'living key': async () => (await import('./living-runs.mjs')).measureKey(),
  machines: async parameters => (await import('./machines-scenarios.mjs')).measureMachines(parameters),
  page: async parameters => (await import('./page-browser.mjs')).measurePage(parameters),
  mcp: async parameters => (await import('./mcp.mjs')).measureMcp(parameters),
  'mcp server': async () => (await import('./mcp-server-runs.mjs')).measureMcpServer(),
  otel: async parameters => (await import('./otel-runs.mjs')).measureTraces(parameters),
  store: async parameters => (await import('./store-scenarios.mjs')).measureStore(parameters),
  recovery: async () => (await import('./store-recovery.mjs')).measureRecovery(),
  startup: async () => (await import('./startup-processes.mjs')).measureStartup(),
  streamer: async parameters => (await import('./streamer-delivery.mjs')).measureDelivery(parameters),
  'event types': async () => (await import('./event-types.mjs')).measureEventTypes(),
}

/** Runs before those that count: two, or of small workloads as many as make this many tasks. */
const WARMUP_RUNS = 2
const WARMUP_TASKS = 20_000

const [{ kind, ...parameters }] = await once(process, 'message')
process.send(await KINDS[kind](parameters))
process.disconnect()

async function measureRuns({ contender, shape, taskCount, seed, runs }) {
  const { CONTENDERS } = await import('./contenders.mjs')
  const run = await CONTENDERS[contender](createShape(shape, taskCount, seed))
  const warmupCount = Math.max(WARMUP_RUNS, Math.ceil(WARMUP_TASKS / taskCount))
  const samples = []
  for (let n = 0; n < warmupCount + runs; n++) {
    const startedAt = performance.now()
    await run()
    samples.push(performance.now() - startedAt)
  }
  // The first run is reported separately: a short program has no other.
  return { coldMs: samples[0], warmMs: computeMedian(samples.slice(warmupCount)) }
}
