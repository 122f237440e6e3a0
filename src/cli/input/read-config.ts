import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { DagstreamError, describeValue, expectObject, invalidOption } from '../../errors.ts'
import { locate } from '../../json/locate.ts'
import { toDoubles } from '../../json/replace-numbers.ts'
import { type HttpToolsOptions, resolveHttpOptions } from '../../integrations/http/http-options.ts'
import { checkFields } from '../../integrations/llm/request-fields.ts'
import type { OpenRouterOptions } from '../../integrations/llm/openrouter-provider.ts'
import type { McpConfig } from '../../integrations/mcp/config/server-config.ts'
import { type CliProcess, UsageError } from '../process/console.ts'
import { CONFIG_FIELDS, HTTP_FIELDS, LLM_FIELDS } from './config-schema.ts'
import { readSource } from './read-workflow.ts'
import { showPosition } from '../render/text.ts'
import { cutText } from '../../text.ts'

/** Name of the configuration file in the working directory. */
export const CONFIG_FILE = 'dagstream.config.json'

/** The texts of the objects that were read, for the positions of their problems. */
const texts = new WeakMap<object, string>()

/**
 * The position of a field of a file that was read, for the end of a message: ` (line 2, column 5)`. A field that the text lacks has the position of the
 * innermost value around it.
 * @param object the whole file
 * @param isKey whether the field's key is meant, not its value
 * @returns the empty string for an object that was not read
 */
export function describePlace(object: object, path: readonly string[], isKey = false): string {
  const text = texts.get(object)
  const [position] = text === undefined ? [] : locate(text, [{ path, isKey }])
  return position === undefined ? '' : showPosition(position)
}

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
  refuseUnknown(config, CONFIG_FIELDS)
  const { $schema = '' } = config
  if (typeof $schema !== 'string') {
    const found = `${describeValue($schema)}${describePlace(config, ['$schema'])}`
    throw new UsageError(`Expected \`$schema\` of \`${CONFIG_FILE}\` to be a string, got ${found}`)
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
export function parseHttpOptions(config: CliConfig): HttpToolsOptions | undefined {
  const { http } = config
  if (http === undefined) return undefined
  return readPart(config, 'http', HTTP_FIELDS, options => {
    resolveHttpOptions(options)
    return options
  })
}

/** The language model's request options. @throws UsageError naming the field */
export function parseLlmOptions(config: CliConfig): LlmOptions {
  if (config.llm === undefined) return {}
  return readPart(config, 'llm', LLM_FIELDS, options => {
    checkFields(options)
    return options
  })
}

/** Reads an object of the configuration. @throws UsageError naming the field and its position */
function readPart<T>(
  config: CliConfig,
  part: 'http' | 'llm',
  known: readonly string[],
  read: (options: object) => T,
): T {
  try {
    const value = config[part] as object
    if (Array.isArray(value)) throw invalidOption(part, 'an object', value)
    const options = expectObject(part, value)
    refuseUnknown(config, known, part)
    return read(options)
  } catch (error) {
    if (!(error instanceof DagstreamError)) throw error
    const { message } = placeOption(error, config, `${part}.`)
    throw new UsageError(`\`${CONFIG_FILE}\`, \`${part}\`: ${message}`)
  }
}

/**
 * Adds the position of the option that an error names.
 * @param prefix of the option's name in the file
 * @returns another error; `error` itself if it names none
 */
export function placeOption(error: DagstreamError, config: object, prefix = ''): DagstreamError {
  const { code, message, details, cause } = error
  if (typeof details['option'] !== 'string') return error
  const path = findOptionPath(config, `${prefix}${details['option']}`)
  const place = describePlace(config, path, details['isUnknown'] === true)
  return new DagstreamError(code, `${message}${place}`, { details, cause })
}

/** The path of an option such as `mcpServers.a.url`, as far as the file has it. Names may hold dots and are cut. */
function findOptionPath(value: unknown, option: string): string[] {
  if (typeof value !== 'object' || value === null) return []
  const keys = Object.keys(value).filter(key => `${option}.`.startsWith(`${cutText(key, 40)}.`))
  const [key] = keys.sort((a, b) => b.length - a.length)
  if (key === undefined) return []
  return [key, ...findOptionPath((value as Record<string, unknown>)[key], option.slice(cutText(key, 40).length + 1))]
}

/** @throws UsageError naming the first unknown field, of the configuration or a part of it, and the known ones */
function refuseUnknown(config: CliConfig, known: readonly string[], part?: 'http' | 'llm'): void {
  const object = part === undefined ? config : (config[part] as object)
  const unknown = Object.keys(object).find(name => !known.includes(name))
  if (unknown === undefined) return
  const path = part === undefined ? [unknown] : [part, unknown]
  const name = `\`${part === undefined ? '' : `${part}.`}${cutText(unknown, 40)}\``
  const place = describePlace(config, path, true)
  throw new UsageError(`There is no field ${name} of \`${CONFIG_FILE}\`; known are ${known.join(', ')}${place}`)
}

async function readObject(file: string, process: FileAccess): Promise<Readonly<Record<string, unknown>>> {
  const { value, text } = await readSource(file, process, MAX_CONFIG_BYTES)
  const config = toDoubles(value)
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new UsageError(`Expected \`${file}\` to be an object`)
  }
  texts.set(config, text)
  return config as Record<string, unknown>
}
