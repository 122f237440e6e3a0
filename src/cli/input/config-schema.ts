import type { HttpToolsOptions } from '../../integrations/http/http-options.ts'
import { RETRY_SCHEMAS, TIMEOUT_SCHEMA } from '../../tools/retry-schema.ts'

/** The keywords of JSON Schema that the schema of the configuration uses. */
export interface ConfigSchema {
  readonly $schema?: string
  readonly title?: string
  readonly description?: string
  readonly type?: 'object' | 'array' | 'string' | 'number' | 'integer' | 'boolean'
  readonly properties?: Readonly<Record<string, ConfigSchema>>
  readonly additionalProperties?: boolean | ConfigSchema
  readonly propertyNames?: ConfigSchema
  readonly required?: readonly string[]
  readonly oneOf?: readonly ConfigSchema[]
  readonly enum?: readonly unknown[]
  readonly items?: ConfigSchema
  readonly pattern?: string
  readonly minLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: unknown
}

const text: ConfigSchema = { type: 'string' }
const name: ConfigSchema = { type: 'string', minLength: 1 }
const texts: ConfigSchema = { type: 'array', items: text }
const textsByName: ConfigSchema = { type: 'object', additionalProperties: text }
const positive: ConfigSchema = { type: 'integer', minimum: 1 }

/** Of the options of `httpTools` those that a file can say. */
type HttpField = Exclude<keyof HttpToolsOptions, 'prefix' | 'lookup' | 'clock'>

const http: Readonly<Record<HttpField, ConfigSchema>> = {
  allowedHosts: {
    ...texts,
    description: 'Hosts that requests and redirects may reach. Default: every public address.',
  },
  allowPrivateAddresses: {
    oneOf: [{ type: 'boolean' }, texts],
    default: false,
    description: 'Names that may resolve to addresses that are not public: all, or those in this list.',
  },
  hostHeaders: {
    type: 'object',
    additionalProperties: textsByName,
    description: 'Headers by host, sent only to that host.',
  },
  limit: { ...positive, description: 'Maximum number of concurrent calls of both tools.' },
  limitPerHost: { ...positive, description: 'Maximum number of concurrent requests to one host and port.' },
  timeoutMs: {
    type: 'number',
    minimum: 1,
    maximum: 3_600_000,
    description: 'Timeout of a request that gives none, ms.',
  },
  maxResponseBytes: { ...positive, default: 5_242_880, description: 'Maximum size of an answer, decompressed, bytes.' },
  maxRedirects: { type: 'integer', minimum: 0, maximum: 20, default: 5, description: 'Maximum number of redirects.' },
  proxy: {
    enum: ['never', 'environment'],
    default: 'never',
    description: 'Whether the proxy of the environment is used.',
  },
  retry: {
    type: 'object',
    properties: RETRY_SCHEMAS,
    additionalProperties: false,
    description: 'Retry policy of `http:get` for tasks that give none. Default: 3 attempts.',
  },
}

const llm: Readonly<Record<'extra' | 'omit', ConfigSchema>> = {
  extra: { type: 'object', description: 'Further fields of every request to the language model.' },
  omit: { ...texts, description: 'Fields of the request that are not sent.' },
}

type ModeField = 'system' | 'temperature' | 'model'

const mode: Readonly<Record<ModeField, ConfigSchema>> = {
  system: { ...text, description: 'The message that comes before the prompt.' },
  temperature: { type: 'number', minimum: 0, description: "Default: the model's own." },
  model: { ...name, description: "Default: the provider's own." },
}

/** Fields of every MCP server. */
const server: Readonly<Record<string, ConfigSchema>> = {
  concurrency: {
    ...positive,
    default: 1,
    description: 'Maximum number of concurrent calls of tools that are not read-only.',
  },
  readOnlyTools: { type: 'array', items: name, description: 'The tools whose calls change nothing.' },
  checkArguments: {
    type: 'boolean',
    default: true,
    description: "Whether arguments are checked by the server's schemas.",
  },
  timeoutMs: TIMEOUT_SCHEMA,
  resetTimeoutOnProgress: {
    type: 'boolean',
    default: false,
    description: 'Each progress notification restarts `timeoutMs`.',
  },
  disabled: { type: 'boolean', default: false, description: 'The server is treated as absent.' },
}

const servers: readonly ConfigSchema[] = [
  {
    type: 'object',
    required: ['command'],
    // Other hosts have fields of their own in these objects.
    properties: {
      type: { enum: ['stdio'] },
      command: { ...name, description: 'A program that speaks MCP over its stdin and stdout.' },
      args: texts,
      env: { ...textsByName, description: 'Environment variables of the program, in addition to a few common ones.' },
      cwd: { ...name, description: 'Its working directory.' },
      ...server,
    },
  },
  {
    type: 'object',
    required: ['url'],
    properties: {
      type: { enum: ['http', 'streamable-http', 'streamableHttp'] },
      url: { ...name, description: 'An http or https URL, spoken to over Streamable HTTP.' },
      headers: textsByName,
      ...server,
    },
  },
]

type ConfigField = 'mcpServers' | 'http' | 'llm' | 'modes' | 'workflows' | '$schema'

const fields: Readonly<Record<ConfigField, ConfigSchema>> = {
  mcpServers: {
    type: 'object',
    propertyNames: { pattern: '^[^\\p{Cc}\\p{Cs}:]{1,100}$' },
    additionalProperties: { oneOf: servers },
    description: 'MCP servers by name. `${NAME}` in a text stands for a variable of the environment.',
  },
  http: {
    type: 'object',
    properties: http,
    additionalProperties: false,
    description: 'Limits of the HTTP tools. If present, even as `{}`, `http:request` is available beside `http:get`.',
  },
  llm: {
    type: 'object',
    properties: llm,
    additionalProperties: false,
    description: 'Fields added to, or left out of, every request to the language model.',
  },
  modes: {
    type: 'object',
    additionalProperties: { type: 'object', properties: mode, required: ['system'], additionalProperties: false },
    description: 'Presets of `chat` by name.',
  },
  workflows: { ...name, description: 'A folder of registered workflows: each `NAME.json` is the workflow `NAME`.' },
  $schema: { ...text, description: 'Location of this schema, for editors. Ignored otherwise.' },
}

/** The JSON Schema (2020-12) of `dagstream.config.json`, as it is published. The checks take the names of fields from it. */
export const configSchema: ConfigSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'dagstream configuration',
  type: 'object',
  properties: fields,
  additionalProperties: false,
}

/** What the file, `http`, `llm` and a mode may hold. */
export const CONFIG_FIELDS: readonly ConfigField[] = keysOf(fields)
export const HTTP_FIELDS: readonly HttpField[] = keysOf(http)
export const LLM_FIELDS: readonly (keyof typeof llm)[] = keysOf(llm)
export const MODE_FIELDS: readonly ModeField[] = keysOf(mode)

function keysOf<K extends string>(object: Readonly<Record<K, unknown>>): K[] {
  return Object.keys(object) as K[]
}
