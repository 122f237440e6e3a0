import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { DagstreamError, describeValue, expectMethods, expectObject } from '../../errors.ts'
import { quoteName } from '../json-pointer.ts'
import { describeNumber, matchesNumber, TIMEOUT_SCHEMA } from '../retry-schema.ts'

/** What may be said of every server. */
export interface McpServerOptions {
  /** How many calls of tools not in `readOnlyTools` may run at once on this server. @defaultValue 1 */
  readonly concurrency?: number
  /**
   * Tools of the server, by its own names for them, whose calls change nothing: they share no limit. Hints of the server
   * itself are not taken for it.
   */
  readonly readOnlyTools?: readonly string[]
  /** Per attempt, ms; 0 for none. A task's own comes first. @defaultValue the execution's `taskTimeoutMs` */
  readonly timeoutMs?: number
  /**
   * Each progress of a call starts its `timeoutMs` anew. A task's own `timeoutMs` is not started anew.
   * @defaultValue false; with it `timeoutMs` is 30,000 unless given
   */
  readonly resetTimeoutOnProgress?: boolean
}

/** A server that is a process, spoken to over its stdin and stdout. */
export interface McpProcessConfig extends McpServerOptions {
  readonly type?: 'stdio'
  readonly command: string
  readonly args?: readonly string[]
  /** Beside `HOME`, `LOGNAME`, `PATH`, `SHELL`, `TERM` and `USER`, the only variables it sees. */
  readonly env?: Readonly<Record<string, string>>
  /** @defaultValue that of this process */
  readonly cwd?: string
  /** It is as if it were not there. */
  readonly disabled?: boolean
}

/** A server that is spoken to over Streamable HTTP. */
export interface McpHttpConfig extends McpServerOptions {
  readonly type?: 'http' | 'streamable-http'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** It is as if it were not there. */
  readonly disabled?: boolean
}

/** What other MCP hosts keep in their files; what stands there beside `mcpServers` is not looked at. */
export interface McpConfig {
  readonly mcpServers: Readonly<Record<string, McpProcessConfig | McpHttpConfig>>
}

/** Clients of the SDK that are connected already, by the name of their server. Whoever connected them closes them. */
export type McpClients = Readonly<Record<string, Client | (McpServerOptions & { readonly client: Client })>>

/** How a server is reached. */
export type Reach =
  | {
      readonly kind: 'process'
      readonly command: string
      readonly args: readonly string[]
      readonly env: Readonly<Record<string, string>>
      readonly cwd?: string
    }
  | { readonly kind: 'http'; readonly url: URL; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'client'; readonly client: Client }

/** A server as it was configured, checked. */
export interface ServerConfig {
  readonly name: string
  readonly reach: Reach
  /** `undefined`: nobody said, so 1. */
  readonly concurrency?: number
  readonly readOnlyTools: readonly string[]
  readonly timeoutMs?: number
  readonly resetTimeoutOnProgress: boolean
}

type Fields = Readonly<Record<string, unknown>>
type Expectation = readonly [expected: string, isExpected: (value: unknown) => boolean]

const isString = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isTexts = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every(each => typeof each === 'string')

const COMMON_FIELDS: Readonly<Record<string, Expectation>> = {
  concurrency: ['a positive integer', value => Number.isInteger(value) && (value as number) > 0],
  readOnlyTools: ['an array of names of tools', value => Array.isArray(value) && value.every(isString)],
  timeoutMs: [describeNumber(TIMEOUT_SCHEMA), value => matchesNumber(TIMEOUT_SCHEMA, value)],
  resetTimeoutOnProgress: ['true or false', value => typeof value === 'boolean'],
}
const PROCESS_FIELDS: Readonly<Record<string, Expectation>> = {
  type: ['`stdio` beside `command`', value => value === 'stdio'],
  command: ['a program', isString],
  args: [
    'an array of strings',
    value => Array.isArray(value) && value.every(each => typeof each === 'string' && !each.includes('\0')),
  ],
  env: ['an object of strings', isTexts],
  cwd: ['a folder', isString],
  disabled: ['true or false', value => typeof value === 'boolean'],
  ...COMMON_FIELDS,
}
const HTTP_FIELDS: Readonly<Record<string, Expectation>> = {
  type: [
    '`http` or `streamable-http` beside `url` (servers of the older `sse` transport are not spoken to)',
    value => value === 'http' || value === 'streamable-http',
  ],
  url: ['an http or https URL without user or password (credentials belong into `headers`)', isUsableUrl],
  headers: ['an object of strings', isTexts],
  disabled: ['true or false', value => typeof value === 'boolean'],
  ...COMMON_FIELDS,
}
const CLIENT_FIELDS: Readonly<Record<string, Expectation>> = {
  client: ['a connected `Client` of the SDK', isClient],
  ...COMMON_FIELDS,
}

/** The servers of a configuration or of clients, those that are disabled left out. @throws `INVALID_OPTION` */
export function parseServers(source: McpConfig | McpClients): ServerConfig[] {
  expectObject('config', source)
  const isConfig = 'mcpServers' in source && !isClient(source.mcpServers)
  const servers = (isConfig ? source.mcpServers : source) as unknown
  if (!isObject(servers)) throw invalid('mcpServers', 'an object of name → server', describeValue(servers))
  return Object.entries(servers).flatMap(([name, server]) => parseServer(name, server, isConfig) ?? [])
}

function parseServer(name: string, server: unknown, isConfig: boolean): ServerConfig | undefined {
  const place = `${isConfig ? 'mcpServers.' : ''}${name.slice(0, 40)}`
  // Its tools are `name:tool`: with a colon nobody could tell where the name ends.
  if (!/^[^\p{Cc}\p{Cs}:]{1,100}$/u.test(name)) {
    throw invalid(place, 'a name of 1–100 characters without control characters and colons', describeValue(name))
  }
  if (isClient(server)) return complete(name, {}, { kind: 'client', client: server })
  if (!isObject(server)) throw invalid(place, isConfig ? 'a server' : 'a client', describeValue(server))
  if (!isConfig) {
    if (!('client' in server)) {
      const hint = 'configured servers stand under `mcpServers`'
      throw invalid(place, `a connected \`Client\` of the SDK (${hint})`, describeValue(server))
    }
    checkFields(place, server, CLIENT_FIELDS)
    return complete(name, server, { kind: 'client', client: server['client'] as Client })
  }
  const hasCommand = 'command' in server
  if (hasCommand === 'url' in server) {
    throw invalid(place, 'a server with either `command` or `url`', hasCommand ? 'one with both' : 'one with neither')
  }
  checkFields(place, server, hasCommand ? PROCESS_FIELDS : HTTP_FIELDS)
  if (server['disabled'] === true) return undefined
  return complete(name, server, hasCommand ? toProcess(server) : toHttp(server))
}

function toProcess({ command, args = [], env = {}, cwd }: Fields): Reach {
  return {
    kind: 'process',
    command: command as string,
    args: args as string[],
    env: env as Record<string, string>,
    ...(cwd !== undefined && { cwd: cwd as string }),
  }
}

function toHttp({ url, headers = {} }: Fields): Reach {
  return { kind: 'http', url: new URL(url as string), headers: headers as Record<string, string> }
}

function complete(name: string, fields: Fields, reach: Reach): ServerConfig {
  const { concurrency, readOnlyTools = [], timeoutMs, resetTimeoutOnProgress = false } = fields as McpServerOptions
  if (resetTimeoutOnProgress && timeoutMs === 0) {
    throw new DagstreamError(
      'INVALID_OPTION',
      `MCP server ${quoteName(name)}: \`resetTimeoutOnProgress\` has nothing to start anew while \`timeoutMs\` is 0; leave one out`,
    )
  }
  return {
    name,
    reach,
    ...(concurrency !== undefined && { concurrency }),
    readOnlyTools,
    ...(timeoutMs !== undefined && { timeoutMs }),
    resetTimeoutOnProgress,
  }
}

/** Values of `env`, `headers` and `url` are not shown: they may be secrets. */
const SECRET_FIELDS = new Set(['env', 'headers', 'url', 'args'])

function checkFields(place: string, fields: Fields, known: Readonly<Record<string, Expectation>>): void {
  for (const [field, value] of Object.entries(fields)) {
    const expectation = Object.hasOwn(known, field) ? known[field] : undefined
    if (expectation === undefined) {
      const expected = `absent (known are ${Object.keys(known).join(', ')})`
      throw invalid(`${place}.${field.slice(0, 40)}`, expected, 'a field that is not known')
    }
    const [expected, isExpected] = expectation
    if (value === undefined || isExpected(value)) continue
    throw invalid(`${place}.${field}`, expected, SECRET_FIELDS.has(field) ? 'something else' : describeValue(value))
  }
}

function invalid(option: string, expected: string, found: string): DagstreamError {
  return new DagstreamError('INVALID_OPTION', `Expected \`${option}\` to be ${expected}, got ${found}`, {
    details: { option, expected },
  })
}

function isClient(value: unknown): value is Client {
  try {
    expectMethods('client', value, ['request', 'connect', 'setNotificationHandler'])
    return true
  } catch {
    return false
  }
}

function isUsableUrl(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false
  const { protocol, username, password } = new URL(value)
  return /^https?:$/.test(protocol) && username === '' && password === ''
}
