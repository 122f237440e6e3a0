import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js'
import { createArgumentChecker } from '../argument-checker.ts'
import { TOOL_NAME_PATTERN } from '../registry.ts'
import type { JsonSchema } from '../tool.ts'
import { NO_TIMEOUT } from './connection.ts'
import { relaxPatterns } from './relaxed-schema.ts'
import { cutText } from '../../text.ts'

/** A tool as its server lists it, as far as it can be used. */
export interface ListedTool {
  /** The server's own name for it. */
  readonly name: string
  readonly description?: string
  /** Known to be usable. */
  readonly inputSchema?: JsonSchema
  /** The server marks it as one whose calls change nothing. */
  readonly hasReadOnlyHint: boolean
}

/** A list that goes on for longer is one without an end. */
const MAX_PAGES = 1000
const MAX_TOOLS = 10_000
/** All of it as JSON, UTF-8 bytes. */
const MAX_LIST_BYTES = 16 * 1024 * 1024

const usableName = new RegExp(TOOL_NAME_PATTERN, 'u')

/**
 * Asks a server for its tools, all pages of them. What cannot be used is left out, one by one, with a warning: neither the
 * SDK's check of the whole answer nor its compiled validators of outputs get to refuse all tools for the sake of one.
 * @returns rejects when the server does not answer, with what is no list, or with one that is too long
 */
export async function listTools(
  client: Client,
  serverName: string,
  warn: (message: string) => void,
): Promise<ListedTool[]> {
  const capabilities = client.getServerCapabilities()
  // It offers prompts or resources alone.
  if (capabilities !== undefined && capabilities.tools === undefined) return []
  const tools = new Map<string, ListedTool>()
  let listedCount = 0
  let byteCount = 0
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const request = { method: 'tools/list' as const, params: cursor === undefined ? {} : { cursor } }
    const answer = await client.request(request, ResultSchema, { timeout: NO_TIMEOUT })
    const { tools: listed, nextCursor } = answer as { tools?: unknown; nextCursor?: unknown }
    if (!Array.isArray(listed)) throw new Error('its answer to `tools/list` has no array of tools')
    listedCount += listed.length
    if (listedCount > MAX_TOOLS) throw new Error(`it lists more than ${MAX_TOOLS} tools`)
    byteCount += Buffer.byteLength(JSON.stringify(listed))
    if (byteCount > MAX_LIST_BYTES)
      throw new Error(`its list of tools has more than ${MAX_LIST_BYTES / 1024 / 1024} MiB`)
    for (const each of listed as readonly unknown[]) {
      const tool = readTool(each, serverName, warn)
      if (tool === undefined) continue
      if (tools.has(tool.name)) warn(`lists two tools named \`${tool.name}\`; the first is used`)
      else tools.set(tool.name, tool)
    }
    if (typeof nextCursor !== 'string' || nextCursor === '') return [...tools.values()]
    cursor = nextCursor
  }
  throw new Error(`its list of tools has more than ${MAX_PAGES} pages`)
}

function readTool(listed: unknown, serverName: string, warn: (message: string) => void): ListedTool | undefined {
  const fault = findToolFault(listed, serverName)
  if (fault !== undefined) {
    warn(fault)
    return undefined
  }
  const { name, title, description, inputSchema, annotations } = listed as { name: string } & Record<string, unknown>
  const text = [description, title].find(each => typeof each === 'string' && each !== '') as string | undefined
  const schema = findUsableSchema(name, inputSchema, warn)
  return {
    name,
    ...(text !== undefined && { description: text }),
    ...(schema && { inputSchema: schema }),
    hasReadOnlyHint: (annotations as { readOnlyHint?: unknown } | null | undefined)?.readOnlyHint === true,
  }
}

function findToolFault(listed: unknown, serverName: string): string | undefined {
  if (typeof listed !== 'object' || listed === null) return 'lists something that is no tool'
  const { name, execution } = listed as Record<string, unknown>
  if (typeof name !== 'string' || name === '' || !usableName.test(`${serverName}:${name}`)) {
    return `lists a tool whose name cannot be used: ${cutText(JSON.stringify(name) ?? 'none', 60)}`
  }
  const { taskSupport } = (execution ?? {}) as { taskSupport?: unknown }
  return taskSupport === 'required'
    ? `\`${name}\` was left out: it is called as a task of the protocol only`
    : undefined
}

/** The schema, or one without the patterns that cannot be checked, or none. */
function findUsableSchema(name: string, schema: unknown, warn: (message: string) => void): JsonSchema | undefined {
  if (schema === undefined) return undefined
  const reason = findFault(name, schema)
  if (reason === undefined) return schema as JsonSchema
  const relaxed = relaxPatterns(schema)
  if (findFault(name, relaxed) === undefined) {
    warn(`\`${name}\`: patterns of its schema are not checked, since they do not compile. ${reason}`)
    return relaxed as JsonSchema
  }
  warn(`\`${name}\`: its arguments are not checked here. ${reason}`)
  return undefined
}

function findFault(name: string, schema: unknown): string | undefined {
  try {
    createArgumentChecker(name, schema as JsonSchema)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'It cannot be read'
  }
}
