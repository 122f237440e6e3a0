// Each platform: how its servers and its client are started, and what is particular to it.
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { findInstalled, findScratch, importBundler, versionOf } from './install.mjs'

/** How long a program may take to start, ms. */
const START_MS = 10_000

/** A reader that leaves is seen at once; then comes the grace of the suite's server. */
const SOCKET = { isLocal: false, disconnectMs: 2000, isBatchLeaveSeen: true }

/**
 * `disconnectMs`: within how long a tool must be aborted once its reader has left; `isBatchLeaveSeen`: whether that holds, without
 * a handler that holds executions, for one who waits for the result too; `notice`: what it may say on stderr.
 */
export const PLATFORMS = [
  { ...createPlatform(`node ${process.versions.node}`, 'node.mjs', [process.execPath]), isLocal: true },
  ...['node-22', 'node-24', 'node-26'].map(name =>
    createPlatform(`node ${versionOf(name)}`, 'node.mjs', [findInstalled(`${name}/bin/node`)]),
  ),
  createPlatform(`bun ${versionOf('@oven/bun-linux-x64')}`, 'bun.mjs', [
    findInstalled('@oven/bun-linux-x64/bin/bun'),
    'run',
  ]),
  {
    ...createPlatform(`deno ${versionOf('@deno/linux-x64-glibc')}`, 'deno.mjs', [
      findInstalled('@deno/linux-x64-glibc/deno'),
      'run',
      '--allow-net',
      '--allow-read',
      '--allow-env',
    ]),
    // Once, where a request's signal is looked at: it is aborted after a normal answer, which `dagstream` knows.
    notice: /^Deno\.serve: request\.signal aborts on successful responses .*$/m,
  },
  {
    ...SOCKET,
    name: `workerd ${versionOf('@cloudflare/workerd-linux-64')}`,
    // It sees it at the next write, so at the next heartbeat; one who waits for a result alone is not written to.
    disconnectMs: 10_500,
    isBatchLeaveSeen: false,
    startServers: startWorkerd,
    async exerciseClient({ client }, url, cutUrl) {
      const query = new URLSearchParams({ url, cut: cutUrl })
      const response = await fetch(`${client}/?${query}`)
      const text = await response.text()
      if (!response.ok) throw new Error(text)
      return JSON.parse(text)
    },
  },
]

function createPlatform(name, server, command) {
  return {
    ...SOCKET,
    name,
    startServers: () => startServers(command, fileURLToPath(new URL(`serve/${server}`, import.meta.url))),
    exerciseClient: (_, url, cutUrl) => runClient(command, url, cutUrl),
  }
}

function startServers([file, ...args], script) {
  const child = spawn(file, [...args, script], { stdio: ['ignore', 'pipe', 'pipe'] })
  return readAddresses(child, child.stdout, ['executions', 'stateless'])
}

/** The workers are the programs that the docs show, with the tools of the suite. */
async function startWorkerd() {
  const docs = readFileSync(new URL('../../docs/runtimes.md', import.meta.url), 'utf8')
  const folder = findScratch('workers/')
  mkdirSync(folder, { recursive: true })
  const { build } = await importBundler()
  const bundle = async (name, contents, resolveDir) => {
    const source = { contents, resolveDir: fileURLToPath(new URL(resolveDir, import.meta.url)), sourcefile: name }
    const how = { bundle: true, format: 'esm', platform: 'browser', conditions: ['workerd', 'worker', 'browser'] }
    await build({ ...how, stdin: source, outfile: `${folder}${name}.js`, logLevel: 'warning' })
  }
  await Promise.all([
    bundle('executions', findProgram(docs, 'worker.mjs'), './serve/'),
    bundle('stateless', findProgram(docs, 'stateless-worker.mjs'), './serve/'),
    bundle('client', readFileSync(new URL('client/worker.mjs', import.meta.url), 'utf8'), './client/'),
  ])
  writeFileSync(`${folder}config.capnp`, WORKERD_CONFIG)
  const binary = findInstalled('@cloudflare/workerd-linux-64/bin/workerd')
  const args = ['serve', '--control-fd=3', `${folder}config.capnp`]
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  return readAddresses(child, child.stdio[3], ['executions', 'stateless', 'client'])
}

/** A block of code in the docs, by the file's name that it carries. */
function findProgram(docs, name) {
  const program = new RegExp(`^\`\`\`js ${name}\n([^]*?)^\`\`\``, 'm').exec(docs)?.[1]
  if (program === undefined) throw new Error(`docs/runtimes.md has no program \`${name}\``)
  return program
}

const WORKERD_CONFIG = `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "executions", worker = .executions),
    (name = "stateless", worker = .stateless),
    (name = "client", worker = .client),
    (name = "internet", network = (allow = ["private", "public"])),
  ],
  sockets = [
    (name = "executions", address = "127.0.0.1:0", http = (), service = "executions"),
    (name = "stateless", address = "127.0.0.1:0", http = (), service = "stateless"),
    (name = "client", address = "127.0.0.1:0", http = (), service = "client"),
  ],
);
const date :Text = "2026-11-01";
const executions :Workerd.Worker = (
  modules = [(name = "executions", esModule = embed "executions.js")],
  compatibilityDate = .date,
  durableObjectNamespaces = [(className = "Executions", uniqueKey = "executions")],
  durableObjectStorage = (inMemory = void),
  bindings = [(name = "EXECUTIONS", durableObjectNamespace = "Executions")],
);
const stateless :Workerd.Worker = (
  modules = [(name = "stateless", esModule = embed "stateless.js")],
  compatibilityDate = .date,
);
const client :Workerd.Worker = (
  modules = [(name = "client", esModule = embed "client.js")],
  compatibilityDate = .date,
);
`

/** Waits until a child has said where each of its servers listens. */
async function readAddresses(child, stream, names) {
  const errors = collect(child.stderr)
  if (stream !== child.stdout) child.stdout.resume()
  const addresses = { pid: child.pid, errors, stop: () => stop(child) }
  const timer = setTimeout(() => child.kill('SIGKILL'), START_MS)
  for await (const line of createInterface({ input: stream })) {
    const { event, socket, port } = JSON.parse(line)
    if (event === 'listen') addresses[socket] = `http://127.0.0.1:${port}`
    if (names.every(name => addresses[name] !== undefined)) {
      clearTimeout(timer)
      stream.resume()
      return addresses
    }
  }
  throw new Error(`The server did not start: ${errors().trim() || `nothing was said within ${START_MS} ms`}`)
}

/** By force: some wait for open connections for ever. */
async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const isOver = new Promise(resolve => child.once('exit', resolve))
  child.kill('SIGKILL')
  await isOver
}

async function runClient([file, ...args], url, cutUrl) {
  const script = fileURLToPath(new URL('client/main.mjs', import.meta.url))
  const child = spawn(file, [...args, script, url, cutUrl], { stdio: ['ignore', 'pipe', 'pipe'] })
  const errors = collect(child.stderr)
  const output = collect(child.stdout)
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
  const code = await new Promise(resolve => child.once('close', resolve))
  clearTimeout(timer)
  if (code !== 0) throw new Error(`The client's program ended with ${code}: ${errors().trim()}`)
  return JSON.parse(output())
}

function collect(stream) {
  let text = ''
  stream.setEncoding('utf8').on('data', chunk => (text += chunk))
  return () => text
}
