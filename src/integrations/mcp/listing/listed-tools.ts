import { describeValue } from '../../../errors.ts'
import { toDoubles } from '../../../json/replace-numbers.ts'
import { createArgumentChecker } from '../../../tools/argument-checker.ts'
import { TOOL_NAME_PATTERN } from '../../../tools/registry.ts'
import type { JsonSchema } from '../../../tools/tool.ts'
import { type McpClient, requestResult } from '../protocol/mcp-client.ts'
import { findAnswerError, findHttpFailure, isSessionGone } from '../protocol/sdk-errors.ts'
import { relaxPatterns } from './relaxed-schema.ts'
import { cutText } from '../../../text.ts'

/** The usable part of a listed tool. */
export interface ListedTool {
  /** The server's own name of the tool. */
  readonly name: string
  readonly description?: string
  /** Compiles, unless arguments are not checked. */
  readonly inputSchema?: JsonSchema
  /** The server marks the tool as read-only. */
  readonly hasReadOnlyHint: boolean
}

/** The server whose tools are listed. */
export interface ListedServer {
  readonly name: string
  /** Whether arguments are checked by the schemas. */
  readonly checksArguments: boolean
  readonly warn: (message: string) => void
}

/** Maximum number of pages: a longer list is considered endless. */
const MAX_PAGES = 1000
const MAX_TOOLS = 10_000
/** Maximum size of all pages as JSON, UTF-8 bytes. */
const MAX_LIST_BYTES = 16 * 1024 * 1024

const usableName = new RegExp(TOOL_NAME_PATTERN, 'u')

/**
 * Requests all pages of a server's tools. An unusable tool is omitted with a warning. The SDK's own check would refuse the
 * whole list for one tool.
 *
 * A list that repeats itself ends there, with one warning. By the protocol, an empty cursor is a cursor.
 * @returns rejects when the server does not answer, when its answer is not a list, and when the list is too long
 */
export async function listTools(client: McpClient, server: ListedServer): Promise<ListedTool[]> {
  const capabilities = client.getServerCapabilities()
  // The server offers prompts or resources only.
  if (capabilities !== undefined && capabilities.tools === undefined) return []
  const list = new ToolList(server)
  const asked = new Set<string>()
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await askPage(client, cursor)
    // Many servers end a list by an empty cursor, and refuse a request with it.
    if (answer === undefined)
      return list.end('returns the cursor `""` and refuses it: the tools listed before are used')
    // Schemas are used here and not passed on, so their numbers may be doubles.
    const { tools: listed, nextCursor } = toDoubles(answer) as { tools?: unknown; nextCursor?: unknown }
    if (!list.add(listed === null ? [] : listed, nextCursor))
      return list.end('lists the same tools again: its list is used up to there')
    if (nextCursor === undefined || nextCursor === null) return list.end()
    if (typeof nextCursor !== 'string') {
      return list.end(`returns ${describeValue(nextCursor)} as \`nextCursor\`: further tools are unknown`)
    }
    if (asked.has(nextCursor)) {
      return list.end(`returns the cursor ${describeValue(nextCursor)} again: its list of tools is used up to there`)
    }
    asked.add(nextCursor)
    cursor = nextCursor
  }
  throw new Error(`its list of tools has more than ${MAX_PAGES} pages`)
}

/** @returns `undefined` where the server refuses an empty cursor */
async function askPage(
  client: McpClient,
  cursor: string | undefined,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  try {
    return await requestResult(client, 'tools/list', cursor === undefined ? {} : { cursor })
  } catch (error) {
    if (cursor === '' && isRefusal(error)) return undefined
    throw error
  }
}

/** Whether the server refused this request and can still answer others. */
function isRefusal(error: unknown): boolean {
  const answer = findAnswerError(error)
  if (answer !== undefined) return answer.kind !== 'missing'
  return findHttpFailure(error) !== undefined && !isSessionGone(error)
}

/** The tools of all pages so far. */
class ToolList {
  readonly #server: ListedServer
  readonly #tools = new Map<string, ListedTool>()
  /** Names that were listed more than once. */
  readonly #repeatedNames = new Set<string>()
  #listedCount = 0
  #byteCount = 0

  constructor(server: ListedServer) {
    this.#server = server
  }

  /** @returns whether to request another page: false when the page has known tools only */
  add(listed: unknown, nextCursor: unknown): boolean {
    if (!Array.isArray(listed)) throw new Error('its answer to `tools/list` has no array of tools')
    this.#listedCount += listed.length
    if (this.#listedCount > MAX_TOOLS) throw new Error(`it lists more than ${MAX_TOOLS} tools`)
    this.#byteCount += Buffer.byteLength(JSON.stringify([listed, nextCursor]))
    if (this.#byteCount > MAX_LIST_BYTES) {
      throw new Error(`its list of tools has more than ${MAX_LIST_BYTES / 1024 / 1024} MiB`)
    }
    let hasKnown = false
    const countBefore = this.#tools.size
    for (const each of listed as readonly unknown[]) {
      const { name } = (each ?? {}) as { name?: unknown }
      if (typeof name === 'string' && this.#tools.has(name)) {
        hasKnown = true
        this.#repeatedNames.add(name)
        continue
      }
      const tool = readTool(each, this.#server)
      if (tool !== undefined) this.#tools.set(tool.name, tool)
    }
    return !hasKnown || this.#tools.size > countBefore
  }

  /** @param warning why the list ends, unless the server ended it */
  end(warning?: string): ListedTool[] {
    if (warning !== undefined) this.#server.warn(warning)
    else
      for (const name of this.#repeatedNames) this.#server.warn(`lists two tools named \`${name}\`; the first is used`)
    return [...this.#tools.values()]
  }
}

function readTool(listed: unknown, server: ListedServer): ListedTool | undefined {
  const fault = findToolFault(listed, server.name)
  if (fault !== undefined) {
    server.warn(fault)
    return undefined
  }
  const { name, title, description, inputSchema, annotations } = listed as { name: string } & Record<string, unknown>
  const text = [description, title].find(each => typeof each === 'string' && each !== '') as string | undefined
  const schema = findUsableSchema(name, inputSchema, server)
  return {
    name,
    ...(text !== undefined && { description: text }),
    ...(schema && { inputSchema: schema }),
    hasReadOnlyHint: (annotations as { readOnlyHint?: unknown } | null | undefined)?.readOnlyHint === true,
  }
}

function findToolFault(listed: unknown, serverName: string): string | undefined {
  if (typeof listed !== 'object' || listed === null) return 'lists an entry that is not a tool'
  const { name, execution } = listed as Record<string, unknown>
  if (typeof name !== 'string' || name === '' || !usableName.test(`${serverName}:${name}`)) {
    return `lists a tool whose name cannot be used: ${cutText(JSON.stringify(name) ?? 'none', 60)}`
  }
  const { taskSupport } = (execution ?? {}) as { taskSupport?: unknown }
  return taskSupport === 'required'
    ? `\`${name}\` is omitted: it can only be called as a task of the protocol`
    : undefined
}

/** The unchanged schema, the schema without its invalid patterns, or none. */
function findUsableSchema(
  name: string,
  schema: unknown,
  { checksArguments, warn }: ListedServer,
): JsonSchema | undefined {
  if (schema === undefined || schema === null) return undefined
  if (!checksArguments) return isSchema(schema) ? schema : undefined
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

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function findFault(name: string, schema: unknown): string | undefined {
  try {
    createArgumentChecker(name, schema as JsonSchema)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : 'It cannot be read'
  }
}
