import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  CallToolResultSchema,
  type ElicitRequest,
  ElicitRequestSchema,
  type ElicitResult,
} from '@modelcontextprotocol/sdk/types.js'
import { onTestFinished } from 'vitest'
import type { HandlerOptions } from 'dagstream/http'
import { handlerRig, type HandlerRig } from '../http/handler/handler-rig.ts'

/** What a call of a tool answered. */
export interface ToolAnswer {
  readonly structured: Record<string, unknown> | undefined
  readonly text: string
  readonly isError: boolean
}

export interface McpClient {
  readonly client: Client
  /** Calls a tool; the client checks the structure by the schema of the tool. */
  readonly call: (name: string, args?: Record<string, unknown>, options?: CallOptions) => Promise<ToolAnswer>
}

export interface CallOptions {
  readonly signal?: AbortSignal
  readonly onprogress?: (progress: object) => void
  readonly _meta?: Record<string, unknown>
}

export interface McpRig extends HandlerRig {
  readonly connect: (options?: ConnectOptions) => Promise<McpClient>
}

export interface ConnectOptions {
  readonly headers?: Record<string, string>
  /** Answers questions of the server; absent: the host cannot ask. */
  readonly onElicit?: (request: ElicitRequest['params']) => ElicitResult | Promise<ElicitResult>
}

/** A handler with an MCP server, and clients of the SDK in front of it. */
export function mcpRig(options: Partial<HandlerOptions> = {}): McpRig {
  const rig = handlerRig({ mcpServer: true, ...options })
  return {
    ...rig,
    async connect({ headers = {}, onElicit } = {}) {
      const transport = new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), {
        requestInit: { headers },
        fetch: async (url, init) => rig.handler.fetch(new Request(url, init)),
      })
      return connectClient(transport, onElicit)
    },
  }
}

/** Connects a client of the SDK, which ends with the test. */
export async function connectClient(
  transport: Parameters<Client['connect']>[0],
  onElicit?: ConnectOptions['onElicit'],
): Promise<McpClient> {
  const capabilities = onElicit === undefined ? {} : { elicitation: { form: {} } }
  const client = new Client({ name: 'test', version: '1' }, { capabilities })
  if (onElicit !== undefined) client.setRequestHandler(ElicitRequestSchema, ({ params }) => onElicit(params))
  await client.connect(transport)
  // The client knows the schemas of results from here on.
  await client.listTools()
  onTestFinished(() => client.close())
  return {
    client,
    async call(name, args = {}, { _meta, ...given } = {}) {
      const params = { name, arguments: args, ...(_meta && { _meta }) }
      const result = CallToolResultSchema.parse(await client.callTool(params, CallToolResultSchema, given))
      const [first] = result.content
      return {
        structured: result.structuredContent,
        text: first?.type === 'text' ? first.text : '',
        isError: result.isError === true,
      }
    },
  }
}
