// What our calls of MCP tools cost beside the SDK's client alone: 200 read-only calls over one stdio connection, at once.
// Run by `node bench/mcp.mjs [--check]`; each contender in fresh processes, in alternating order.
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { formatEnvironment, readEnvironment } from './environment.mjs'
import { computeMedian, summarise } from './statistics.mjs'
import { formatNumber, formatRange, formatTable } from './tables.mjs'

const CALL_COUNT = 200
const PROCESS_COUNT = 5
const WARMUP_RUNS = 100
const RUNS = 50

/** How many times the time of the bare client ours may take. */
const MAX_RATIO = 1.3

const manifest = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json')
const server = { command: process.execPath, args: [join(dirname(manifest), 'dist/index.js')] }

/** Each connects, and gives one run of all calls and what ends it. */
const CONTENDERS = {
  'SDK client': () => openClient(() => ({})),
  /** What our calls have too. */
  'SDK client, with signal and progress': () =>
    openClient(() => ({ signal: new AbortController().signal, onprogress() {} })),
  'dagstream, its tools alone': openTools,
  'dagstream, a workflow': () => openWorkflow(CALL_COUNT),
  'dagstream, a workflow, 64 at once': () => openWorkflow(64),
}

async function openClient(createOptions) {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js')
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js')
  const client = new Client({ name: 'bench', version: '1' })
  await client.connect(new StdioClientTransport({ ...server, stderr: 'ignore' }))
  const run = async () => {
    const calls = Array.from({ length: CALL_COUNT }, (_, n) =>
      client.callTool({ name: 'echo', arguments: { message: `${n}` } }, undefined, createOptions()),
    )
    await Promise.all(calls)
  }
  return { run, close: () => client.close() }
}

async function openTools() {
  const tools = await connectTools()
  const echo = tools.find(({ name }) => name === 'everything:echo')
  const run = async () => {
    const calls = Array.from({ length: CALL_COUNT }, (_, n) =>
      echo.execute({ message: `${n}` }, createContext(`t${n}`)),
    )
    await Promise.all(calls)
  }
  return { run, close: () => tools.close() }
}

/** Its signal is made on first read, as the engine does it. */
function createContext(taskId) {
  return {
    executionId: 'bench',
    taskId,
    attempt: 1,
    log() {},
    reportProgress() {},
    get signal() {
      return new AbortController().signal
    },
  }
}

async function openWorkflow(maxConcurrency) {
  const { ParallelExecutor } = await import('../dist/index.js')
  const tools = await connectTools()
  const executor = new ParallelExecutor(tools, { maxConcurrency })
  const tasks = Array.from({ length: CALL_COUNT }, (_, n) => ({
    id: `t${n}`,
    tool: 'everything:echo',
    arguments: { message: `${n}` },
  }))
  const run = async () => {
    const { successCount } = await executor.execute({ tasks })
    if (successCount !== CALL_COUNT) throw new Error(`Expected ${CALL_COUNT} calls to succeed, ${successCount} did`)
  }
  return { run, close: () => tools.close() }
}

async function connectTools() {
  const { mcpTools } = await import('../dist/tools/mcp/index.js')
  return mcpTools({ mcpServers: { everything: { ...server, readOnlyTools: ['echo'] } } })
}

const [first, second] = process.argv.slice(2)
if (first === '--measure') console.log(JSON.stringify(await measure(second)))
else await main(first === '--check')

async function measure(contender) {
  // 200 writes that wait at once are a leak to the SDK's transport, which says so once.
  process.removeAllListeners('warning')
  const { run, close } = await CONTENDERS[contender]()
  const samples = []
  for (let n = 0; n < WARMUP_RUNS + RUNS; n++) {
    const startedAt = performance.now()
    await run()
    samples.push(performance.now() - startedAt)
  }
  await close()
  const counted = samples.slice(WARMUP_RUNS)
  return { ms: computeMedian(counted), bestMs: Math.min(...counted) }
}

async function main(isCheck) {
  const names = Object.keys(CONTENDERS)
  const measured = Object.fromEntries(names.map(name => [name, []]))
  for (let round = 0; round < PROCESS_COUNT; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const { stdout } = await promisify(execFile)(process.execPath, [
        fileURLToPath(import.meta.url),
        '--measure',
        name,
      ])
      measured[name].push(JSON.parse(stdout))
    }
  }
  const figures = names.map(name => ({ name, ...summarise(measured[name]) }))
  const [bare] = figures
  // On a machine that does other things too, only the fastest run tells what the calls themselves take.
  const rows = figures.map(({ name, ms, bestMs }) => [
    name,
    formatRange(ms),
    formatNumber(ms.median / bare.ms.median),
    formatRange(bestMs),
    formatNumber(bestMs.median / bare.bestMs.median),
  ])
  console.log(`${formatEnvironment(readEnvironment())}\n`)
  console.log(
    formatTable(
      [`${CALL_COUNT} calls over one stdio connection`, 'ms', '× SDK client', 'fastest run, ms', '× SDK client'],
      rows,
    ),
  )
  const slow = figures.filter(({ name, ms }) => name.startsWith('dagstream') && ms.median > bare.ms.median * MAX_RATIO)
  console.log(`\nMore than ${MAX_RATIO} ×: ${slow.map(({ name }) => name).join('; ') || 'none'}`)
  if (isCheck && slow.length > 0) process.exitCode = 1
}
