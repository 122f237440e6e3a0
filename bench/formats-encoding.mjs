import { loadFormats, StreamingExecutor } from './library.mjs'
import { computeMedian } from './statistics.mjs'

const WARMUP_ROUNDS = 10
const ROUNDS = 40

/** Approximate size of the entries that are encoded together, bytes: that of a chunk. */
const CHUNK_BYTES = 64 * 1024

/** Each gives its entries: what a reader takes from the log. */
const TRACES = {
  /** As many tasks as have parts of their own, each with progress, a line, and an output of about 1 KB. */
  tasks: () => record(createTasks(199)),
  /** An answer of 10,000 tokens, each an event. */
  tokens: () => record({ tasks: [{ id: 'answer', tool: 'answer', arguments: { count: 10_000 } }] }),
  /** A workflow above the bound. */
  many: () => record(createTasks(5000)),
}

/**
 * The entries of one execution in each format, in one process, taking turns.
 * @param {{ trace: keyof typeof TRACES, isSingle: boolean }} parameters `isSingle`: each entry in a chunk of its own
 * @returns ns of CPU time per event of each format, and their ratios to the default format
 */
export async function measureFormats({ trace, isSingle }) {
  const { joinEntries, AiSdkEncoder, AgUiEncoder } = await loadFormats()
  const entries = await TRACES[trace]()
  const chunks = isSingle ? entries.map(entry => [entry]) : cut(entries)
  const encoder = new TextEncoder()
  const encodeBy = create => () => {
    const protocol = create()
    let bytes = 0
    for (const chunk of chunks) bytes += encoder.encode(protocol.encode(chunk)).length
    return bytes
  }
  const formats = {
    default: () => chunks.reduce((bytes, chunk) => bytes + joinEntries(chunk).length, 0),
    'ai-sdk': encodeBy(() => new AiSdkEncoder('x')),
    'ag-ui': encodeBy(() => new AgUiEncoder('x', {}, { replayTo: 0, history: [] })),
  }
  const names = Object.keys(formats)
  const times = Object.fromEntries(names.map(name => [name, []]))
  for (let round = 0; round < WARMUP_ROUNDS + ROUNDS; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      // Of the processor, not of the clock: other programs do not count.
      const before = process.cpuUsage()
      if (formats[name]() === 0) throw new Error(`Expected bytes of ${name}`)
      const { user, system } = process.cpuUsage(before)
      if (round >= WARMUP_ROUNDS) times[name].push(user + system)
    }
  }
  const figures = {}
  for (const name of names) {
    figures[name] = (computeMedian(times[name]) * 1000) / entries.length
    figures[`${name} ratio`] = computeMedian(times[name]) / computeMedian(times.default)
  }
  return figures
}

function createTasks(count) {
  const tasks = Array.from({ length: count }, (_, at) => ({ id: `task-${at}`, tool: 'work', arguments: { at } }))
  return { tasks: [...tasks, { id: 'answer', tool: 'answer', arguments: { count: 10 }, dependsOn: ['task-0'] }] }
}

async function record(workflow) {
  const turn = () => new Promise(resolve => setImmediate(resolve))
  const tools = {
    work: async ({ at }, { reportProgress, log }) => {
      reportProgress({ progress: 1, total: 2 })
      log('info', `Working on ${at}`)
      await turn()
      return { at, rows: Array.from({ length: 16 }, (_, row) => ({ id: row, name: `A row of the result ${row}` })) }
    },
    answer: async ({ count }, { emitToken }) => {
      for (let at = 0; at < count; at++) {
        emitToken(`word${at} `)
        await turn()
      }
      return { count }
    },
  }
  const execution = new StreamingExecutor(tools, { createId: () => 'x' }).stream(workflow)
  const source = execution.subscribe()
  const entries = []
  const done = execution.result
  while (!source.done) {
    entries.push(...(await source.take(CHUNK_BYTES)))
    await turn()
  }
  await done
  return entries
}

function cut(entries) {
  const chunks = [[]]
  let bytes = 0
  for (const entry of entries) {
    chunks.at(-1).push(entry)
    bytes += entry.weight
    if (bytes >= CHUNK_BYTES) {
      chunks.push([])
      bytes = 0
    }
  }
  return chunks.filter(({ length }) => length > 0)
}
