import { createMemoryStore, ParallelExecutor, StreamingExecutor } from 'dagstream'
import { computeMedian } from './statistics.mjs'

const WARMUP_ROUNDS = 3
const ROUNDS = 9

/** Arguments of about 1 KB. */
const ARGUMENTS = {
  url: 'https://example.org/search',
  query: {
    text: 'x'.repeat(300),
    page: 3,
    filters: [1, 2, 3].map(at => ({ name: `f${at}`, value: at * 1.5, on: true })),
  },
  headers: Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`h${11 - at}`, `value ${at} ${'y'.repeat(25)}`])),
}

/** From the call of `fork` to the first call of a tool, wall time: all tasks but the last are taken over. */
export async function measureFork({ taskCount }) {
  const tasks = createLayers(taskCount)
  const ids = tasks.slice(-100).map(({ id }) => id)
  const workflow = { tasks: [...tasks, { id: 'last', tool: 'last', dependsOn: ids }] }
  const times = []
  for (let round = 0; round < WARMUP_ROUNDS + ROUNDS; round++) {
    let calledAt = 0
    const tools = {
      work: args => args,
      last() {
        calledAt = performance.now()
        throw new Error('no')
      },
    }
    const executor = new StreamingExecutor(tools, { store: createMemoryStore() })
    const { executionId } = await executor.execute(workflow)
    const startedAt = performance.now()
    const { result } = await executor.fork(executionId)
    const { results } = await result
    if (results.some(({ attempts }, at) => attempts !== (at === taskCount ? 1 : 0)))
      throw new Error('Expected one call')
    if (round >= WARMUP_ROUNDS) times.push(calledAt - startedAt)
  }
  return { firstMs: computeMedian(times) }
}

/** A task that takes a remembered output, beside one that calls a tool that does nothing, CPU time; both in turns. */
export async function measureHits({ taskCount }) {
  const create = more => ({
    tasks: Array.from({ length: taskCount }, (_, at) => ({ id: `t${at}`, tool: 'work', arguments: { at }, ...more })),
  })
  const store = createMemoryStore({ maxCacheBytes: 1e9, maxFinishedCount: 1 })
  const executor = new ParallelExecutor({ work: { readOnly: true, execute: args => args } }, { store })
  const [cached, plain] = [create({ cache: { ttlMs: 3_600_000 } }), create({})]
  await executor.execute(cached)
  const samples = { hit: [], call: [], ratio: [] }
  for (let round = 0; round < WARMUP_ROUNDS + ROUNDS; round++) {
    const hit = await measureCpu(() => executor.execute(cached))
    const call = await measureCpu(() => executor.execute(plain))
    if (round < WARMUP_ROUNDS) continue
    samples.hit.push(hit / taskCount)
    samples.call.push(call / taskCount)
    samples.ratio.push(hit / call)
  }
  if (executor.counters.cacheHitCount !== (WARMUP_ROUNDS + ROUNDS) * taskCount) throw new Error('Expected hits alone')
  const [hitUs, callUs, ratio] = [samples.hit, samples.call, samples.ratio].map(computeMedian)
  return { hitUs, callUs, ratio }
}

/** The key of 1 KB of arguments, CPU time. */
export async function measureKey() {
  const { sha256, writeCanonicalJson } = await import('../dist/internals.js')
  const times = []
  for (let round = 0; round < WARMUP_ROUNDS + ROUNDS; round++) {
    const count = 20_000
    const us = await measureCpu(() => {
      for (let at = 0; at < count; at++) sha256(writeCanonicalJson(['work', null, 'arguments', ARGUMENTS]))
    })
    if (round >= WARMUP_ROUNDS) times.push(us / count)
  }
  return { keyUs: computeMedian(times), bytes: JSON.stringify(ARGUMENTS).length }
}

/** Layers of 100 tasks, each depending on three of the layer before. */
function createLayers(taskCount) {
  return Array.from({ length: taskCount }, (_, at) => {
    const before = at - (at % 100) - 100
    const dependsOn = before < 0 ? [] : [0, 1, 2].map(shift => `t${before + ((at + shift * 7) % 100)}`)
    return { id: `t${at}`, tool: 'work', arguments: { at }, dependsOn }
  })
}

async function measureCpu(work) {
  const startedAt = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(startedAt)
  return user + system
}
