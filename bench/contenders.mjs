import { PGraph } from 'p-graph'
import { compileWorkflow, createEventBody, encode, StreamingExecutor } from './library.mjs'
import { toNoopWorkflow } from './shapes.mjs'

const noop = async () => {}
const executor = new StreamingExecutor({ noop })

/**
 * Who runs a workload whose tasks do nothing, and how. Each takes the workload and gives one run of it, which the bench
 * repeats; what a user has beforehand, a document or a compiled plan, is made outside of the run.
 *
 * @typedef {() => Promise<void>} Run
 * @type {Record<string, (tasks: readonly import('./shapes.mjs').WorkloadTask[]) => Run | Promise<Run>>}
 */
export const CONTENDERS = {
  /** Promises and counters by hand: the least that running a graph costs. No events, no limits, no failures. */
  'bare loop': tasks => () => runBareLoop(tasks),

  /** Construct and run; its node map and edges are made beforehand. No events. */
  'p-graph'(tasks) {
    const nodes = new Map(tasks.map(({ id }) => [id, { run: noop }]))
    const edges = tasks.flatMap(({ id, dependsOn }) => dependsOn.map(dependency => [dependency, id]))
    return () => new PGraph(nodes, edges).run()
  },

  /** From a document to its plan. */
  compile(tasks) {
    const workflow = toNoopWorkflow(tasks)
    return async () => void compileWorkflow(workflow, { noop })
  },

  /** A compiled plan to its result, without readers of events. */
  execute(tasks) {
    const plan = compileWorkflow(toNoopWorkflow(tasks), { noop })
    return async () => expectSuccess(await executor.execute(plan))
  },

  /** A compiled plan through `.stream()`, every event consumed, to its result. */
  stream(tasks) {
    const plan = compileWorkflow(toNoopWorkflow(tasks), { noop })
    return () => consume(executor.stream(plan), tasks.length)
  },

  /** From the document to its result through `.stream()`, every event consumed. */
  document(tasks) {
    const workflow = toNoopWorkflow(tasks)
    return () => consume(executor.stream(workflow), tasks.length)
  },

  /** A compiled plan through `executeWithStreaming` into a `WritableStream` that only counts. */
  sink(tasks) {
    const plan = compileWorkflow(toNoopWorkflow(tasks), { noop })
    return async () => {
      let count = 0
      const sink = new WritableStream({ write: () => void (count += 1) })
      expectSuccess(await executor.executeWithStreaming(plan, sink))
      expectCount(count, 2 * tasks.length + 2)
    }
  },

  /** A compiled plan as the bytes of a response, read to the end. */
  sse(tasks) {
    const plan = compileWorkflow(toNoopWorkflow(tasks), { noop })
    return async () => {
      const execution = executor.stream(plan)
      const body = createEventBody(execution.subscribe(), { executionId: execution.executionId })
      let byteCount = 0
      for await (const chunk of body) byteCount += chunk.byteLength
      expectSuccess(await execution.result)
      if (byteCount < 100 * tasks.length) throw new Error(`Expected the events of all tasks, got ${byteCount} bytes`)
    }
  },

  /** The same events made, stringified, framed and encoded, with no execution behind them: the floor of `sse`. */
  async 'events alone'(tasks) {
    const events = await collect(executor.stream(toNoopWorkflow(tasks)))
    return async () => {
      const encoder = new TextEncoder()
      let frames = ''
      for (const [seq, given] of events.entries()) {
        const event = { type: given.type, data: { ...given.data } }
        frames += `id: ${event.data.executionId}.${seq + 1}\nevent: ${event.type}\ndata: ${JSON.stringify(event.data)}\n\n`
        if (frames.length < 65536) continue
        encoder.encode(frames)
        frames = ''
      }
      encoder.encode(frames)
    }
  },

  /** The same events through the library's own `encode`. */
  async encode(tasks) {
    const events = await collect(executor.stream(toNoopWorkflow(tasks)))
    return async () => {
      for (const event of events) encode(event)
    }
  },
}

function runBareLoop(tasks) {
  const nodes = new Map(tasks.map(({ id, dependsOn }) => [id, { waitingFor: dependsOn.length, dependents: [] }]))
  for (const { id, dependsOn } of tasks) {
    for (const dependency of dependsOn) nodes.get(dependency).dependents.push(nodes.get(id))
  }
  let left = tasks.length
  return new Promise((resolve, reject) => {
    const settle = node => {
      left -= 1
      if (left === 0) resolve()
      for (const dependent of node.dependents) {
        dependent.waitingFor -= 1
        if (dependent.waitingFor === 0) start(dependent)
      }
    }
    const start = node => void noop().then(() => settle(node), reject)
    for (const node of [...nodes.values()].filter(({ waitingFor }) => waitingFor === 0)) start(node)
  })
}

async function consume(execution, taskCount) {
  let count = 0
  for await (const event of execution) if (event.data !== undefined) count += 1
  expectSuccess(await execution.result)
  expectCount(count, 2 * taskCount + 2)
}

async function collect(execution) {
  const events = []
  for await (const event of execution) events.push(event)
  return events
}

function expectSuccess({ status }) {
  if (status !== 'success') throw new Error(`Expected the execution to succeed, got \`${status}\``)
}

function expectCount(count, expected) {
  if (count !== expected) throw new Error(`Expected ${expected} events, got ${count}`)
}
