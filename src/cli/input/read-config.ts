import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { DagstreamError, expectObject, invalidOption } from '../../errors.ts'
import { toDoubles } from '../../json/replace-numbers.ts'
import { type HttpToolsOptions, resolveHttpOptions } from '../../integrations/http/http-options.ts'
import { checkFields } from '../../integrations/llm/chat-request.ts'
import type { OpenRouterOptions } from '../../integrations/llm/openrouter-provider.ts'
import type { McpConfig } from '../../integrations/mcp/config/server-config.ts'
import { type CliProcess, UsageError } from '../process/console.ts'
import { readWorkflow } from './read-workflow.ts'
import { cutText } from '../../text.ts'

/** The file of the working directory that says how the command line works there. */
export const CONFIG_FILE = 'dagstream.config.json'

/** What it may hold. */
const FIELDS = ['mcpServers', 'http', 'llm', 'modes'] as const

/** What it holds; each part is checked by whoever needs it. */
export type CliConfig = Readonly<Partial<Record<(typeof FIELDS)[number], unknown>>>

/** Of the options of `httpTools` those that a file can say. */
const HTTP_FIELDS = [
  'allowedHosts',
  'allowPrivateAddresses',
  'hostHeaders',
  'limit',
  'limitPerHost',
  'timeoutMs',
  'maxResponseBytes',
  'maxRedirects',
  'proxy',
  'retry',
] as const satisfies readonly (keyof HttpToolsOptions)[]

/** Of the options of `OpenRouterProvider` those that a file can say. */
const LLM_FIELDS = ['extra', 'omit'] as const

/** What every request to the language model has, and has not. */
export type LlmOptions = Pick<OpenRouterOptions, (typeof LLM_FIELDS)[number]>

/** How large a configuration may be, bytes. */
const MAX_CONFIG_BYTES = 1024 * 1024

/** The process, as far as files are read. */
type Place = Pick<CliProcess, 'stdin' | 'cwd'>

/**
 * The `dagstream.config.json` of the working directory; empty where there is none.
 * @throws UsageError for what cannot be read, is no object, or has a field that is not known
 */
export async function readConfig(process: Place): Promise<CliConfig> {
  if (!existsSync(resolve(process.cwd, CONFIG_FILE))) return {}
  const config = await readObject(CONFIG_FILE, process)
  refuseUnknown(config, FIELDS, '')
  return config
}

/**
 * The MCP servers of a file in the form of other hosts, what stands beside them not looked at; without one those of the
 * configuration, if it names any. The servers themselves are not checked.
 * @throws UsageError for a file that cannot be read or has no servers
 */
export async function readMcpConfig(
  file: string | undefined,
  config: CliConfig,
  process: Place,
): Promise<McpConfig | undefined> {
  const found = file === undefined ? config : await readObject(file, process)
  if ('mcpServers' in found) return found as unknown as McpConfig
  if (file === undefined) return undefined
  throw new UsageError(`Expected \`${file}\` to have \`mcpServers\`, an object of name → server`)
}

/** Standard input can be read once. @throws UsageError where a workflow and `--mcp` are both to come from it */
export function expectOneReader(workflow: string, mcp: string | undefined): void {
  if (workflow === '-' && mcp === '-') throw new UsageError('Expected one of the workflow and --mcp to be -, got both')
}

/** Where requests may go, and how; `undefined` where the configuration does not say. @throws UsageError naming the field */
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

/** What requests to the language model have beside the usual fields. @throws UsageError naming the field */
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

/** @throws UsageError naming the first field that is not known, and those that are */
function refuseUnknown(object: object, known: readonly string[], prefix: string): void {
  const unknown = Object.keys(object).find(name => !known.includes(name))
  if (unknown === undefined) return
  const name = `${prefix}${cutText(unknown, 40)}`
  throw new UsageError(`There is no field \`${name}\` of \`${CONFIG_FILE}\`; known are ${known.join(', ')}`)
}

async function readObject(file: string, process: Place): Promise<Readonly<Record<string, unknown>>> {
  const config = toDoubles(await readWorkflow(file, process, MAX_CONFIG_BYTES))
  if (typeof config === 'object' && config !== null && !Array.isArray(config)) return config as Record<string, unknown>
  throw new UsageError(`Expected \`${file}\` to be an object`)
}
