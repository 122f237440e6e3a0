import { pathToFileURL } from 'node:url'
import { readHeap } from './heap-size.mjs'
import * as current from './library.mjs'
import { createShape, toNoopWorkflow } from './shapes.mjs'
import { computeMedian } from './statistics.mjs'

/** Runs of each side: they alternate, and those of the warm-up do not count. */
const WARMUP_RUNS = 3
const RUNS = 25

/** Keeps objects alive while their memory is measured. */
const held = []

const tools = { noop: async () => {} }

/** The documents that are compared, by name. Each has `taskCount` tasks that do nothing, parents not counted. */
const DOCUMENTS = {
  /** No word of the language: layers of 100, three dependencies each. */
  plain: ({ taskCount, seed }) => toNoopWorkflow(createShape('layered', taskCount, seed)),
  /** The items of one fan-out. */
  forEach: ({ taskCount }) => ({
    tasks: [
      { id: 'each', tool: 'noop', arguments: { n: '$ITEM' }, forEach: Array.from({ length: taskCount }, toIndex) },
    ],
  }),
  /** The same tasks, each with its item. */
  'written out': ({ taskCount }) => ({
    tasks: Array.from({ length: taskCount }, (_, n) => ({ id: `each${n}`, tool: 'noop', arguments: { n } })),
  }),
  /** Instances of one workflow of ten tasks, one after another within each. */
  instances: ({ taskCount }) => {
    const workflow = { inputSchema: { type: 'object' }, tasks: listChain('') }
    return { tasks: [{ id: 'each', workflow, forEach: Array.from({ length: taskCount / 10 }, toIndex) }] }
  },
  /** The same tasks without a workflow of their own. */
  chains: ({ taskCount }) => ({
    tasks: Array.from({ length: taskCount / 10 }, (_, n) => listChain(`${n}-`)).flat(),
  }),
}

/**
 * The time that two documents take, in turns, in one process: µs of CPU time per task, medians, from a plan and from the
 * document, through `.stream()` with every event consumed; and the median of their ratios.
 * @param {{ name: string, beside: string, taskCount: number, seed: number, baseline?: string }} parameters `baseline`: the
 * folder of another build, which runs `beside`
 */
export async function measureLanguage({ name, beside, taskCount, seed, baseline }) {
  const other = baseline === undefined ? current : await loadLibrary(baseline)
  const sides = [
    createSide(current, DOCUMENTS[name]({ taskCount, seed })),
    createSide(other, DOCUMENTS[beside]({ taskCount, seed })),
  ]
  const figures = {}
  for (const source of ['plan', 'document']) {
    const times = sides.map(() => [])
    for (let run = 0; run < WARMUP_RUNS + RUNS; run++) {
      for (const at of run % 2 === 0 ? [0, 1] : [1, 0]) {
        const startedAt = process.cpuUsage()
        await runToEnd(sides[at], sides[at][source])
        const { user, system } = process.cpuUsage(startedAt)
        if (run >= WARMUP_RUNS) times[at].push((user + system) / taskCount)
      }
    }
    figures[`${source}Us`] = computeMedian(times[0])
    figures[`${source}BesideUs`] = computeMedian(times[1])
    figures[`${source}Ratio`] = computeMedian(times[0].map((time, run) => time / times[1][run]))
  }
  return figures
}

/**
 * Memory of a plan and a finished execution of one document in the heap, bytes per task, beyond the document. Needs
 * `--expose-gc`.
 * @param {{ name: string, taskCount: number, seed: number, baseline?: string }} parameters
 */
export async function measureLanguageHeap({ name, taskCount, seed, baseline }) {
  const library = baseline === undefined ? current : await loadLibrary(baseline)
  // Code that is compiled on first use is not the document's.
  const small = createSide(library, DOCUMENTS[name]({ taskCount: 100, seed }))
  await runToEnd(small, small.document)

  const document = DOCUMENTS[name]({ taskCount, seed })
  held.push(document)
  const before = await readHeap()
  const { compileWorkflow, StreamingExecutor } = library
  const executor = new StreamingExecutor(tools)
  const plan = compileWorkflow(document, tools)
  held.push(plan, await runToEnd({ executor }, plan))
  return { bytes: ((await readHeap()) - before) / taskCount }
}

async function loadLibrary(folder) {
  return import(new URL('index.js', `${pathToFileURL(folder).href}/`).href)
}

function createSide({ StreamingExecutor, compileWorkflow }, document) {
  return { executor: new StreamingExecutor(tools), document, plan: compileWorkflow(document, tools) }
}

async function runToEnd({ executor }, workflow) {
  const execution = executor.stream(workflow)
  let endedCount = 0
  for await (const { type } of execution) if (type === 'task_complete') endedCount += 1
  const result = await execution.result
  if (result.status !== 'success') throw new Error(`Expected the execution to succeed, got \`${result.status}\``)
  if (endedCount !== result.totalTasks) throw new Error(`Expected ${result.totalTasks} ends, got ${endedCount}`)
  return { execution, result }
}

function listChain(prefix) {
  return Array.from({ length: 10 }, (_, n) => ({
    id: `${prefix}t${n}`,
    tool: 'noop',
    ...(n > 0 && { dependsOn: [`${prefix}t${n - 1}`] }),
  }))
}

function toIndex(_, index) {
  return index
}
