import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { DagstreamError, describeValue, expectObject, invalidOption } from '../../errors.ts'
import { toDoubles } from '../../json/replace-numbers.ts'
import { type HttpToolsOptions, resolveHttpOptions } from '../../integrations/http/http-options.ts'
import { checkFields } from '../../integrations/llm/request-fields.ts'
import type { OpenRouterOptions } from '../../integrations/llm/openrouter-provider.ts'
import type { McpConfig } from '../../integrations/mcp/config/server-config.ts'
import { type CliProcess, UsageError } from '../process/console.ts'
import { CONFIG_FIELDS, HTTP_FIELDS, LLM_FIELDS } from './config-schema.ts'
import { readWorkflow } from './read-workflow.ts'
import { cutText } from '../../text.ts'

/** Name of the configuration file in the working directory. */
export const CONFIG_FILE = 'dagstream.config.json'

/** The configuration; each part is validated by its consumer. */
export type CliConfig = Readonly<Partial<Record<(typeof CONFIG_FIELDS)[number], unknown>>>

/** Fields to add to and omit from every request to the language model. */
export type LlmOptions = Pick<OpenRouterOptions, (typeof LLM_FIELDS)[number]>

/** Maximum size of a configuration, bytes. */
const MAX_CONFIG_BYTES = 1024 * 1024

/** The part of the process that file reading needs. */
type FileAccess = Pick<CliProcess, 'stdin' | 'cwd'>

/**
 * Reads the `dagstream.config.json` of the working directory; empty if absent.
 * @throws UsageError for a file that is unreadable, not an object, or has an unknown field
 */
export async function readConfig(process: FileAccess): Promise<CliConfig> {
  if (!existsSync(resolve(process.cwd, CONFIG_FILE))) return {}
  const config = await readObject(CONFIG_FILE, process)
  refuseUnknown(config, CONFIG_FIELDS, '')
  const { $schema = '' } = config
  if (typeof $schema !== 'string') {
    throw new UsageError(`Expected \`$schema\` of \`${CONFIG_FILE}\` to be a string, got ${describeValue($schema)}`)
  }
  return config
}

/**
 * The MCP servers of a file in the format of other hosts, whose other fields are ignored; without a file those of the
 * configuration, if any. The servers themselves are not validated.
 * @throws UsageError for a file that is unreadable or has no servers
 */
export async function readMcpConfig(
  file: string | undefined,
  config: CliConfig,
  process: FileAccess,
): Promise<McpConfig | undefined> {
  const found = file === undefined ? config : await readObject(file, process)
  if ('mcpServers' in found) return found as unknown as McpConfig
  if (file === undefined) return undefined
  throw new UsageError(`Expected \`${file}\` to have \`mcpServers\`, an object of name → server`)
}

/** Standard input can be read once. @throws UsageError if both a workflow and `--mcp` use it */
export function expectOneReader(workflow: string, mcp: string | undefined): void {
  if (workflow === '-' && mcp === '-') throw new UsageError('Expected one of the workflow and --mcp to be -, got both')
}

/** The HTTP tools' options; `undefined` if the configuration has none. @throws UsageError naming the field */
export function parseHttpOptions({ http }: CliConfig): HttpToolsOptions | undefined {
  if (http === undefined) return undefined
  try {
    if (Array.isArray(http)) throw invalidOption('http', 'an object', http)
    const options = expectObject('http', http as HttpToolsOptions)
    refuseUnknown(options, HTTP_FIELDS, 'http.')
    resolveHttpOptions(options)
    return options
  } catch (error) {
    if (!(error instanceof DagstreamError)) throw error
    throw new UsageError(`\`${CONFIG_FILE}\`, \`http\`: ${error.message}`)
  }
}

/** The language model's request options. @throws UsageError naming the field */
export function parseLlmOptions({ llm = {} }: CliConfig): LlmOptions {
  try {
    if (Array.isArray(llm)) throw invalidOption('llm', 'an object', llm)
    const options = expectObject('llm', llm as LlmOptions)
    refuseUnknown(options, LLM_FIELDS, 'llm.')
    checkFields(options)
    return options
  } catch (error) {
    if (!(error instanceof DagstreamError)) throw error
    throw new UsageError(`\`${CONFIG_FILE}\`, \`llm\`: ${error.message}`)
  }
}

/** @throws UsageError naming the first unknown field and the known ones */
function refuseUnknown(object: object, known: readonly string[], prefix: string): void {
  const unknown = Object.keys(object).find(name => !known.includes(name))
  if (unknown === undefined) return
  const name = `${prefix}${cutText(unknown, 40)}`
  throw new UsageError(`There is no field \`${name}\` of \`${CONFIG_FILE}\`; known are ${known.join(', ')}`)
}

async function readObject(file: string, process: FileAccess): Promise<Readonly<Record<string, unknown>>> {
  const config = toDoubles(await readWorkflow(file, process, MAX_CONFIG_BYTES))
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config as Record<string, unknown>
  throw new UsageError(`Expected \`${file}\` to be an object`)
}
