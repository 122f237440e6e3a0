import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { computeMedian } from './statistics.mjs'
import { formatNumber, formatRange, formatTable } from './tables.mjs'

// The same build that `library.mjs` takes.
const root = process.env.DAGSTREAM_DIST
  ? new URL(`${pathToFileURL(process.env.DAGSTREAM_DIST).href}/`)
  : new URL('../dist/', import.meta.url)

const CALL_COUNT = 200
const WARMUP_ROUNDS = 100
const ROUNDS = 100
/** The baseline: the client that ours is built on. */
const BARE = 'SDK client'
/** The measured case: all calls at once, as the bare client makes them. */
const WORKFLOW = 'dagstream, a workflow'
/** How many times the time of the bare client that may take. */
const MAX_RATIO = 1.3

/** Each connects, and gives one run of all calls and what ends it. */
const CONTENDERS = {
  [BARE]: () => openClient(loadSplitSdk, () => undefined),
  /** Our calls have progress, too. */
  'SDK client, with progress': () => openClient(loadSplitSdk, () => ({ onprogress() {} })),
  'SDK client, version 1': () => openClient(loadFirstSdk, () => undefined),
  'dagstream, its tools alone': openTools,
  [WORKFLOW]: () => openWorkflow(CALL_COUNT),
  'dagstream, a workflow, 64 at once': () => openWorkflow(64),
}

const WARM = 'mcp warm'
const firstKey = contender => `mcp first ${contender}`

/**
 * The cost of calls of MCP tools compared with the SDK's client alone: read-only calls of one tool over one stdio
 * connection.
 *
 * The SDK's client checks the results. A workflow checks the arguments, twice (before anything runs, and again before each
 * call), compiles its plan in the time that counts, and records events; our tools alone do nothing of it.
 */
export function listMcpCases() {
  const firsts = Object.keys(CONTENDERS).map(contender => ({ key: firstKey(contender), kind: 'mcp', contender }))
  return [{ key: WARM, kind: 'mcp' }, ...firsts]
}

/** @param {Record<string, any>} results figures by key */
export function reportMcp(results) {
  const warm = results[WARM]
  const rows = Object.keys(CONTENDERS).map(contender => {
    const first = results[firstKey(contender)].ms
    return [contender, formatRange(warm[contender]), formatNumber(warm[ratioOf(contender)].median), formatRange(first)]
  })
  const title = `${CALL_COUNT} calls over one stdio connection`
  return [[title, formatTable(['', 'ms, warm', '× SDK client', 'ms, first run of a process'], rows)]]
}

/** The stated figures about MCP. @returns {import('./figures.mjs').Figure[]} */
export function listMcpFigures(results) {
  const measured = results[WARM]?.[ratioOf(WORKFLOW)]?.median
  const name = `${CALL_COUNT} read-only MCP calls over one stdio connection, beside the SDK’s client`
  return [{ name, unit: '×', measured, target: MAX_RATIO }]
}

/**
 * One contender's first run, or runs of all in turn: this machine slows down and speeds up within a second, which is to
 * slow all alike. Each has a server of its own.
 * @param {{ contender?: string }} options
 * @returns {Promise<Record<string, number>>} `ms`, or the medians of each by name, and their ratios
 */
export async function measureMcp({ contender }) {
  // 200 writes that wait at once are a leak to the SDK's transport, which says so once.
  process.removeAllListeners('warning')
  const names = contender === undefined ? Object.keys(CONTENDERS) : [contender]
  const opened = []
  for (const name of names) opened.push({ name, samples: [], ...(await CONTENDERS[name]()) })
  const rounds = contender === undefined ? WARMUP_ROUNDS + ROUNDS : 1
  for (let round = 0; round < rounds; round++) {
    for (const { run, samples } of round % 2 === 0 ? opened : opened.toReversed()) {
      const startedAt = performance.now()
      await run()
      samples.push(performance.now() - startedAt)
    }
  }
  await Promise.all(opened.map(({ close }) => close()))
  if (contender !== undefined) return { ms: opened[0].samples[0] }
  const medians = opened.map(({ name, samples }) => [name, computeMedian(samples.slice(WARMUP_ROUNDS))])
  const bare = Object.fromEntries(medians)[BARE]
  return Object.fromEntries([...medians, ...medians.map(([name, ms]) => [ratioOf(name), ms / bare])])
}

function ratioOf(contender) {
  return `${contender}, ratio`
}

function findServer() {
  const manifest = createRequire(import.meta.url).resolve('@modelcontextprotocol/server-everything/package.json')
  return { command: process.execPath, args: [join(dirname(manifest), 'dist/index.js')] }
}

async function loadSplitSdk() {
  const { Client } = await import('@modelcontextprotocol/client')
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio')
  const makeCall = (client, params, options) => client.callTool(params, options)
  return { Client, StdioClientTransport, makeCall }
}

async function loadFirstSdk() {
  const { Client } = await import('@modelcontextprotocol/sdk/client/index.js')
  const { StdioClientTransport } = await import('@modelcontextprotocol/sdk/client/stdio.js')
  const makeCall = (client, params, options) => client.callTool(params, undefined, options)
  return { Client, StdioClientTransport, makeCall }
}

async function openClient(loadSdk, createOptions) {
  const { Client, StdioClientTransport, makeCall } = await loadSdk()
  const client = new Client({ name: 'bench', version: '1' })
  await client.connect(new StdioClientTransport({ ...findServer(), stderr: 'ignore' }))
  const run = async () => {
    const calls = Array.from({ length: CALL_COUNT }, (_, n) =>
      makeCall(client, { name: 'echo', arguments: { message: `${n}` } }, createOptions()),
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
  const { StreamingExecutor } = await import('./library.mjs')
  const tools = await connectTools()
  const executor = new StreamingExecutor(tools, { maxConcurrency })
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
  const { mcpTools } = await import(new URL('integrations/mcp/index.js', root).href)
  return mcpTools({ mcpServers: { everything: { ...findServer(), readOnlyTools: ['echo'] } } })
}
