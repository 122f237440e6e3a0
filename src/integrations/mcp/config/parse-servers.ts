import { DagstreamError, describeValue, expectMethods, expectObject } from '../../../errors.ts'
import { quoteName } from '../../../tools/json-pointer.ts'
import { describeNumber, matchesNumber, TIMEOUT_SCHEMA } from '../../../tools/retry-schema.ts'
import { findFieldHint, IGNORED_FIELDS } from './foreign-fields.ts'
import { findSecrets, isSecretName } from './secrets.ts'
import { expandVariables, type Variables } from './variables.ts'
import type { McpClient } from '../protocol/mcp-client.ts'
import type { McpClients, McpConfig, McpServerOptions, Reach, ServerConfig } from './server-config.ts'
import { cutText } from '../../../text.ts'

/** Fields in which variables are expanded. */
const EXPANDED_FIELDS = new Set(['command', 'args', 'env', 'cwd', 'url', 'headers'])

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
  checkArguments: ['true or false', value => typeof value === 'boolean'],
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
    '`http` or `streamable-http` beside `url` (the older `sse` transport is not supported)',
    value => value === 'http' || value === 'streamable-http' || value === 'streamableHttp',
  ],
  url: ['an http or https URL without user or password (put credentials into `headers`)', isUsableUrl],
  headers: ['an object of strings', isTexts],
  disabled: ['true or false', value => typeof value === 'boolean'],
  ...COMMON_FIELDS,
}
const CLIENT_FIELDS: Readonly<Record<string, Expectation>> = {
  client: ['a connected `Client` of the SDK', isClient],
  ...COMMON_FIELDS,
}

/** The enabled servers of a configuration, or the given clients. @throws `INVALID_OPTION` */
export function parseServers(source: McpConfig | McpClients, env: Variables): ServerConfig[] {
  expectObject('config', source)
  const isConfig = 'mcpServers' in source && !isClient(source.mcpServers)
  const servers = (isConfig ? source.mcpServers : source) as unknown
  if (!isObject(servers)) throw invalid('mcpServers', 'an object of name → server', describeValue(servers))
  return Object.entries(servers).flatMap(
    ([name, server]) => parseServer(name, server, isConfig ? env : undefined) ?? [],
  )
}

/** @param env the variables of a configuration; `undefined` for clients */
function parseServer(name: string, server: unknown, env: Variables | undefined): ServerConfig | undefined {
  const place = `${env === undefined ? '' : 'mcpServers.'}${cutText(name, 40)}`
  // Tools are named `name:tool`, so a colon ends the name.
  if (!/^[^\p{Cc}\p{Cs}:]{1,100}$/u.test(name)) {
    throw invalid(place, 'a name of 1–100 characters without control characters and colons', describeValue(name))
  }
  if (isClient(server)) return complete(name, {}, { kind: 'client', client: server })
  if (!isObject(server)) throw invalid(place, env === undefined ? 'a client' : 'a server', describeValue(server))
  if (env !== undefined) return server['disabled'] === true ? undefined : parseConfigured(name, place, server, env)
  if (!('client' in server)) {
    const hint = 'configured servers belong under `mcpServers`'
    throw invalid(place, `a connected \`Client\` of the SDK (${hint})`, describeValue(server))
  }
  checkFields(place, server, CLIENT_FIELDS)
  return complete(name, server, { kind: 'client', client: server['client'] as McpClient })
}

function parseConfigured(name: string, place: string, server: Fields, env: Variables): ServerConfig {
  for (const field of Object.keys(server)) {
    const hint = findFieldHint(field)
    if (hint === undefined) continue
    throw unknownField(`${place}.${field}`, `absent (${hint})`, 'a field that only other hosts know')
  }
  const hasCommand = 'command' in server
  if (hasCommand === 'url' in server) {
    throw invalid(place, 'a server with either `command` or `url`', hasCommand ? 'one with both' : 'one with neither')
  }
  const secrets: string[] = []
  const expand = ([field, value]: [string, unknown]): [string, unknown] => {
    if (!EXPANDED_FIELDS.has(field)) return [field, value]
    const noteSecret = (variable: string, text: string): void => {
      if (isSecretName(variable)) secrets.push(text)
    }
    return [field, expandVariables(value, `${place}.${field}`, env, noteSecret)]
  }
  const fields = Object.fromEntries(
    Object.entries(server)
      .filter(([field]) => !IGNORED_FIELDS.has(field))
      .map(expand),
  )
  checkFields(place, fields, hasCommand ? PROCESS_FIELDS : HTTP_FIELDS)
  return complete(name, fields, hasCommand ? toProcess(fields) : toHttp(fields), secrets)
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

function complete(name: string, fields: Fields, reach: Reach, secrets: readonly string[] = []): ServerConfig {
  const {
    concurrency,
    readOnlyTools,
    checkArguments = true,
    timeoutMs,
    resetTimeoutOnProgress = false,
  } = fields as McpServerOptions
  if (resetTimeoutOnProgress && timeoutMs === 0) {
    throw new DagstreamError(
      'INVALID_OPTION',
      `MCP server ${quoteName(name)}: \`resetTimeoutOnProgress\` has no effect while \`timeoutMs\` is 0; remove one of them`,
    )
  }
  return {
    name,
    reach,
    secrets: [...findSecrets(reach), ...secrets],
    ...(concurrency !== undefined && { concurrency }),
    ...(readOnlyTools !== undefined && { readOnlyTools }),
    checkArguments,
    ...(timeoutMs !== undefined && { timeoutMs }),
    resetTimeoutOnProgress,
  }
}

/** Fields whose values are not shown, because they may be secrets. */
const SECRET_FIELDS = new Set(['env', 'headers', 'url', 'args'])

function checkFields(place: string, fields: Fields, known: Readonly<Record<string, Expectation>>): void {
  for (const [field, value] of Object.entries(fields)) {
    const expectation = Object.hasOwn(known, field) ? known[field] : undefined
    if (expectation === undefined) {
      const expected = `absent (known are ${Object.keys(known).join(', ')})`
      throw unknownField(`${place}.${cutText(field, 40)}`, expected, 'a field that is not known')
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

/** The same with `details.isUnknown`: whatever the value is, the field must not be there. */
function unknownField(option: string, expected: string, found: string): DagstreamError {
  const { code, message, details } = invalid(option, expected, found)
  return new DagstreamError(code, message, { details: { ...details, isUnknown: true } })
}

function isClient(value: unknown): value is McpClient {
  try {
    expectMethods('client', value, ['request', 'getServerCapabilities'])
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
