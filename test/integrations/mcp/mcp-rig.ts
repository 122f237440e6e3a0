import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import {
  type DAGTask,
  type ExecuteOptions,
  type ExecutionResult,
  type Logger,
  type SSEEvent,
  StreamingExecutor,
  type Tool,
} from '../../../src/index.ts'
import {
  createMcpServers,
  type McpConfig,
  type McpOptions,
  type McpProcessConfig,
  type McpServers,
} from '../../../src/integrations/mcp/index.ts'

const HOSTILE = fileURLToPath(new URL('../../../fixtures/mcp/hostile-server.mjs', import.meta.url))

/** The server of the fixtures, misbehaving in one way. */
export function hostile(mode = 'fair', more: Partial<McpProcessConfig> = {}, ...args: string[]): McpProcessConfig {
  return { command: process.execPath, args: [HOSTILE, mode, ...args], ...more }
}

/** A server from the registry: `everything`, `filesystem` or `memory`. */
export function real(
  name: string,
  args: readonly string[] = [],
  more: Partial<McpProcessConfig> = {},
): McpProcessConfig {
  const manifest = createRequire(import.meta.url).resolve(`@modelcontextprotocol/server-${name}/package.json`)
  return { command: process.execPath, args: [join(dirname(manifest), 'dist/index.js'), ...args], ...more }
}

/** What a logger was told. */
export interface Lines extends Logger {
  readonly lines: string[]
}

export function collectLines(): Lines {
  const lines: string[] = []
  return { lines, debug: line => void lines.push(`debug ${line}`), warn: line => void lines.push(`warn ${line}`) }
}

/** Servers that are closed when the test is over. */
export function serve(mcpServers: McpConfig['mcpServers'], options?: McpOptions): McpServers {
  const servers = createMcpServers({ mcpServers }, options)
  onTestFinished(() => servers.close())
  return servers
}

/** Runs tasks and tells all that happened. */
export async function run(
  tools: Tool[],
  tasks: readonly DAGTask[],
  options: ExecuteOptions = {},
): Promise<{ result: ExecutionResult; events: SSEEvent[] }> {
  const execution = new StreamingExecutor(tools).stream({ tasks: [...tasks] }, options)
  const events: SSEEvent[] = []
  for await (const event of execution) events.push(event)
  return { result: await execution.result, events }
}

/** Runs one call and gives its task's result. */
export async function call(
  tools: Tool[],
  tool: string,
  args: Record<string, unknown> = {},
  more: Partial<DAGTask> = {},
) {
  const { result, events } = await run(tools, [{ id: 'a', tool, arguments: args, ...more }])
  const [task] = result.results
  if (task === undefined) throw new Error('Expected a result')
  return { task, events }
}

/** Whether a process runs; one that has ended and was not yet collected by its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  if (process.platform !== 'linux') return true
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** A file that a server of the fixtures appends `start PID` to when it starts. */
export function createJournal(): { readonly file: string; readPids(): number[] } {
  const file = join(mkdtempSync(join(tmpdir(), 'dagstream-mcp-')), 'journal')
  writeFileSync(file, '')
  const lines = (): string[] => readFileSync(file, 'utf8').split('\n').filter(Boolean)
  return { file, readPids: () => lines().map(line => Number(line.split(' ')[1])) }
}
