import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { McpConfig } from '../tools/mcp/server-config.ts'
import { Suggestions } from '../workflow/suggestion.ts'
import { type CliProcess, UsageError } from './console.ts'
import { readWorkflow } from './read-workflow.ts'

/** The file of the working directory that is read where no other is named. */
export const CONFIG_FILE = 'dagstream.config.json'

/** What it may hold. */
const FIELDS = ['mcpServers', 'modes']

/** How large a configuration may be, bytes. */
const MAX_CONFIG_BYTES = 1024 * 1024

/**
 * The MCP servers of a file in the form of other hosts, what stands beside them not looked at; without one, those of the
 * `dagstream.config.json` of the working directory, if it is there and names any. The servers themselves are not checked.
 * @throws UsageError for what cannot be read, and for an unknown field of `dagstream.config.json`
 */
export async function readMcpConfig(
  file: string | undefined,
  process: Pick<CliProcess, 'stdin' | 'cwd'>,
): Promise<McpConfig | undefined> {
  if (file !== undefined) {
    const config = await readObject(file, process)
    if ('mcpServers' in config) return config as unknown as McpConfig
    throw new UsageError(`Expected \`${file}\` to have \`mcpServers\`, an object of name → server`)
  }
  if (!existsSync(resolve(process.cwd, CONFIG_FILE))) return undefined
  const config = await readObject(CONFIG_FILE, process)
  for (const name of Object.keys(config)) {
    if (FIELDS.includes(name)) continue
    const hint = new Suggestions(FIELDS, 'fields').hintFor(name)
    throw new UsageError(`There is no field \`${name.slice(0, 40)}\` of \`${CONFIG_FILE}\`. ${hint}`)
  }
  return 'mcpServers' in config ? (config as unknown as McpConfig) : undefined
}

async function readObject(
  file: string,
  process: Pick<CliProcess, 'stdin' | 'cwd'>,
): Promise<Readonly<Record<string, unknown>>> {
  const config = await readWorkflow(file, process, MAX_CONFIG_BYTES)
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config as Record<string, unknown>
  throw new UsageError(`Expected \`${file}\` to be an object`)
}
