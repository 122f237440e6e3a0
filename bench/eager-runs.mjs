import { REAL_CLOCK, VirtualClock } from './eager-clock.mjs'
import { computeArrivals, computeEager, listPlans } from './eager-plans.mjs'
import { StreamingExecutor } from './library.mjs'
import { createRandom } from './random.mjs'
import { computeMedian, computeQuantile } from './statistics.mjs'

/** What is computed and what the library does in virtual time must agree, ms. */
const TOLERANCE_MS = 0.01

/**
 * Both ways of one plan, in virtual time: by plan, the makespans. What the library does must be what was computed.
 * @param {{ seed: number, tokensPerSecond: number, toolMs: number, writes: number }} parameters `writes`: share of tools that
 *   are not read-only
 */
export async function measureVirtual({ seed, tokensPerSecond, toolMs, writes }) {
  const figures = {}
  for (const plan of listPlans(seed)) {
    const create = () => ({ plan, tokensPerSecond, toolMs, writes, clock: new VirtualClock() })
    const [waitMs, eagerMs] = [await runWhole(create()), await runEager(create())]
    const computed = computeEager(plan, tokensPerSecond, toolMs)
    const isAlike =
      Math.abs(waitMs - computed.waitMs) < TOLERANCE_MS && Math.abs(eagerMs - computed.eagerMs) < TOLERANCE_MS
    if (writes === 0 && !isAlike) {
      throw new Error(`${plan.name}: ${waitMs}, ${eagerMs} instead of ${computed.waitMs}, ${computed.eagerMs}`)
    }
    figures[`wait ${plan.name}`] = waitMs
    figures[`eager ${plan.name}`] = eagerMs
  }
  return figures
}

/** The same in real time, of plans with at least so many tasks, all at once: they only wait. */
export async function measureReal({ seed, tokensPerSecond, toolMs, minTasks }) {
  const plans = listPlans(seed).filter(({ lines }) => lines.length >= minTasks)
  const figures = {}
  const run = async (name, runPlan, plan) => {
    figures[`${name} ${plan.name}`] = await runPlan({ plan, tokensPerSecond, toolMs, writes: 0, clock: REAL_CLOCK })
  }
  // Once before it counts: a process is slow in its first milliseconds.
  for (const plan of plans.slice(0, 1))
    await runEager({ plan, tokensPerSecond: 1e6, toolMs: 1, writes: 0, clock: REAL_CLOCK })
  await Promise.all(plans.flatMap(plan => [run('wait', runWhole, plan), run('eager', runEager, plan)]))
  return figures
}

/** The planner writes to its end, then the document runs. @returns makespan, ms */
async function runWhole({ plan, tokensPerSecond, toolMs, clock }) {
  const startedAt = clock.now()
  const work = async () => {
    await sleepUntil(clock, startedAt + computeArrivals(plan, tokensPerSecond).at(-1))
    const document = { tasks: plan.lines.map(({ line }) => JSON.parse(line)) }
    return finish(createExecutor(plan, toolMs, 0, clock).stream(document, { schedule: 'dataflow' }), plan)
  }
  await clock.run(work())
  return clock.now() - startedAt
}

/** Each line joins as it comes. @returns makespan, ms */
async function runEager({ plan, tokensPerSecond, toolMs, writes, clock }) {
  const startedAt = clock.now()
  async function* write() {
    const arrivals = computeArrivals(plan, tokensPerSecond)
    for (const [at, { line }] of plan.lines.entries()) {
      await sleepUntil(clock, startedAt + arrivals[at])
      yield line
    }
  }
  const work = async () => finish(await createExecutor(plan, toolMs, writes, clock).streamPlan(write()), plan)
  await clock.run(work())
  return clock.now() - startedAt
}

function createExecutor({ lines, outputs, name }, toolMs, writes, clock) {
  const random = createRandom(name.length + lines.length)
  const names = [...new Set(lines.map(({ tool }) => tool))]
  const execute = async (_, { taskId }) => {
    await sleepUntil(clock, clock.now() + toolMs)
    return outputs[taskId]
  }
  const tools = names.map(tool => ({ name: tool, readOnly: random() >= writes, execute }))
  const { now, wallTime, after } = clock
  return new StreamingExecutor(tools, {
    clock: { now: now.bind(clock), wallTime: wallTime.bind(clock), after: after.bind(clock) },
  })
}

async function finish(execution, plan) {
  const { status, results } = await execution.result
  if (status !== 'success' || results.length !== plan.lines.length) {
    throw new Error(
      `${plan.name} ended with ${status}: ${JSON.stringify(results.find(({ error }) => error !== undefined))}`,
    )
  }
}

function sleepUntil(clock, time) {
  return new Promise(resolve => clock.after(time - clock.now(), resolve))
}

const WARMUP_ROUNDS = 3
const ROUNDS = 15

/** Tasks as lines beside the same tasks as a document, CPU time per task; both in turns, a ratio is taken within its turn. */
export async function measureLines({ taskCount }) {
  const tasks = Array.from({ length: taskCount }, (_, at) => {
    const before = at - (at % 100) - 100
    const dependsOn = before < 0 ? [] : [0, 1, 2].map(shift => `t${before + ((at + shift * 7) % 100)}`)
    return { id: `t${at}`, tool: 'work', arguments: { at }, dependsOn }
  })
  const text = JSON.stringify({ tasks })
  const lines = tasks.map(task => `${JSON.stringify(task)}\n`)
  const executor = new StreamingExecutor({ work: { readOnly: true, execute: args => args } })
  const runs = {
    document: () => executor.stream(JSON.parse(text), { schedule: 'dataflow' }),
    chunk: () => executor.streamPlan([lines.join('')]),
    lines: () => executor.streamPlan(lines),
  }
  const samples = { document: [], chunk: [], lines: [], chunkRatio: [], linesRatio: [] }
  for (let round = 0; round < WARMUP_ROUNDS + ROUNDS; round++) {
    const us = {}
    for (const [name, start] of Object.entries(runs)) {
      const startedAt = process.cpuUsage()
      const execution = await start()
      let count = 0
      for await (const { type } of execution) if (type === 'task_complete') count += 1
      const { user, system } = process.cpuUsage(startedAt)
      if (count !== taskCount) throw new Error(`Expected ${taskCount} tasks, got ${count}`)
      us[name] = (user + system) / taskCount
    }
    if (round < WARMUP_ROUNDS) continue
    for (const [name, value] of Object.entries(us)) samples[name].push(value)
    samples.chunkRatio.push(us.chunk / us.document)
    samples.linesRatio.push(us.lines / us.document)
  }
  return Object.fromEntries(Object.entries(samples).map(([name, values]) => [name, computeMedian(values)]))
}

const LINES = 200

/** From the last byte of a line to the call of its tool, ms, behind so many tasks that were accepted before. */
export async function measureFirst({ acceptedCount }) {
  const times = []
  let writtenAt = 0
  let onCall
  const tools = {
    work: { readOnly: true, execute: () => 1 },
    timed: { readOnly: true, execute: () => void (times.push(performance.now() - writtenAt), onCall()) },
  }
  async function* write() {
    for (let at = 0; at < acceptedCount; at++) yield `{"id":"t${at}","tool":"work"}\n`
    await sleepUntil(REAL_CLOCK, performance.now() + 300)
    for (let at = 0; at < LINES; at++) {
      const isCalled = new Promise(resolve => (onCall = resolve))
      writtenAt = performance.now()
      yield `{"id":"x${at}","tool":"timed","arguments":{"at":${at}}}\n`
      await isCalled
      await sleepUntil(REAL_CLOCK, performance.now() + 2)
    }
  }
  await (await new StreamingExecutor(tools).streamPlan(write())).result
  return { firstMs: times[0], medianMs: computeMedian(times), p95Ms: computeQuantile(times, 0.95) }
}
