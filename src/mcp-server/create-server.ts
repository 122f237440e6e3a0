import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { RequestHandlerExtra } from '@modelcontextprotocol/sdk/shared/protocol.js'
import type {
  ElicitRequestFormParams,
  ServerNotification,
  ServerRequest,
  Tool,
} from '@modelcontextprotocol/sdk/types.js'
import type { JsonSchemaValidator } from '@modelcontextprotocol/sdk/validation/types.js'
import { isJsonObject } from '../json/describe-json.ts'
import { describeForm } from './calls/elicitation.ts'
import { ToolCalls } from './calls/call-tool.ts'
import type { Elicit, McpCall } from './calls/mcp-call.ts'
import type { McpSdk } from './load-sdk.ts'
import { FREE_ACCESS, type McpAccess, type McpContext } from './mcp-context.ts'
import { MAX_WAIT_MS, TOOL_DEFINITIONS, type ToolDefinition } from './tools/tool-definitions.ts'
import { listWorkflowTools } from './tools/workflow-tools.ts'

/** Called at the start of each call; what it returns is called at its end. */
export type CallTracker = () => () => void

const INSTRUCTIONS =
  'Runs workflows: directed acyclic graphs of tool tasks, in parallel where they do not depend on each other. ' +
  'Each registered workflow is a tool. For others: list_tools shows the tools that tasks can name, validate_workflow checks a ' +
  'document, run_workflow runs it. A call answers after 50 s at the latest, with status "running" and an executionId: ' +
  'get_execution with waitMs waits for the end. Open questions are in `inputs`: answer_input answers them.'

/** W3C Trace Context, 3.2.2. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/

/** The SDK would load and compile a validator for answers, which the engine checks itself. */
const NO_VALIDATOR = {
  getValidator:
    <T>(): JsonSchemaValidator<T> =>
    input => ({ valid: true, data: input as T, errorMessage: undefined }),
}

/** The tools of a dagstream, for any number of connections. */
export class McpTools {
  readonly #sdk: McpSdk
  readonly #calls: ToolCalls
  readonly #definitions: readonly ToolDefinition[]

  constructor(sdk: McpSdk, context: McpContext) {
    const names = TOOL_DEFINITIONS.map(({ name }) => name)
    const workflowTools = listWorkflowTools(context.workflows, names)
    this.#sdk = sdk
    this.#calls = new ToolCalls(context, workflowTools)
    this.#definitions = [...Array.from(workflowTools.values(), ({ definition }) => definition), ...TOOL_DEFINITIONS]
  }

  /** A server for one connection. @param track called for each call */
  createServer(track: CallTracker = () => () => {}): Server {
    const { Server, ListToolsRequestSchema, CallToolRequestSchema } = this.#sdk
    const server = new Server(
      { name: 'dagstream', title: 'dagstream', version: '1' },
      { capabilities: { tools: {} }, instructions: INSTRUCTIONS, jsonSchemaValidator: NO_VALIDATOR },
    )
    server.setRequestHandler(ListToolsRequestSchema, async (_, extra) => {
      await readAccess(extra.authInfo?.extra).ask({ action: 'workflows' })
      // Schemas have further keywords, which the SDK passes on.
      return { tools: this.#definitions as unknown as Tool[] }
    })
    server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
      const end = track()
      try {
        const { name, arguments: args = {}, _meta } = params
        const { progressToken, traceparent } = (_meta ?? {}) as {
          progressToken?: string | number
          traceparent?: unknown
        }
        const call: McpCall = {
          name,
          args,
          signal: extra.signal,
          access: readAccess(extra.authInfo?.extra),
          traceparent: typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? traceparent : undefined,
          report:
            progressToken === undefined
              ? undefined
              : progress =>
                  extra.sendNotification({
                    method: 'notifications/progress',
                    params: { progressToken, ...progress },
                  }),
          elicit: this.#elicitOf(server, extra.sendRequest),
        }
        const result = await this.#calls.call(call)
        if (result !== undefined) return result
        throw Object.assign(new Error(`Unknown tool: ${name}`), { code: INVALID_PARAMS })
      } finally {
        end()
      }
    })
    return server
  }

  #elicitOf(server: Server, send: SendRequest): Elicit | undefined {
    if (server.getClientCapabilities()?.elicitation?.form === undefined) return undefined
    return async (question, signal) => {
      const form = describeForm(question)
      if (form === undefined) return undefined
      const { message } = form
      const requestedSchema = form.requestedSchema as ElicitRequestFormParams['requestedSchema']
      const { action, content } = await send(
        { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } },
        this.#sdk.ElicitResultSchema,
        { signal, timeout: MAX_WAIT_MS },
      )
      if (action === 'decline') return { decline: true }
      return action === 'accept' && isJsonObject(content) ? form.toAnswer(content) : undefined
    }
  }
}

/** JSON-RPC: invalid parameters. */
const INVALID_PARAMS = -32_602

type SendRequest = RequestHandlerExtra<ServerRequest, ServerNotification>['sendRequest']

/** The access that the transport was given with the request. */
function readAccess(extra: Record<string, unknown> | undefined): McpAccess {
  return (extra?.['access'] as McpAccess | undefined) ?? FREE_ACCESS
}
