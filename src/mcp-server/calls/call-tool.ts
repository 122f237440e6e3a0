import { describeValue } from '../../errors.ts'
import type { PersonAnswer } from '../../engine/inputs/answer-stored.ts'
import type { ExecutionRequest } from '../../host/execution/execution-request.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { describeError } from '../../log/describe-error.ts'
import { validateWorkflow } from '../../plan/compile.ts'
import { createInputChecker } from '../../tools/argument-checker.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { AccessDenied, type AccessQuestion, type McpContext } from '../mcp-context.ts'
import { showExecution } from '../tools/execution-view.ts'
import { MAX_WAIT_MS, TOOL_DEFINITIONS, type ToolName } from '../tools/tool-definitions.ts'
import { findFault, showFault, showResult, type ToolFault, type ToolResult } from '../tools/tool-result.ts'
import type { WorkflowTool } from '../tools/workflow-tools.ts'
import { ExecutionWait } from './execution-wait.ts'
import type { McpCall } from './mcp-call.ts'

const CANCELLED = { code: 'CANCELLED', message: 'Cancelled by its MCP client' } as const

const CHECKERS = new Map(TOOL_DEFINITIONS.map(({ name, inputSchema }) => [name as string, inputSchema]))

type Arguments = Readonly<Record<string, unknown>>

/** The calls of an MCP server's tools. */
export class ToolCalls {
  readonly #context: McpContext
  readonly #workflowTools: ReadonlyMap<string, WorkflowTool>

  constructor(context: McpContext, workflowTools: ReadonlyMap<string, WorkflowTool>) {
    this.#context = context
    this.#workflowTools = workflowTools
  }

  /** Calls a tool. Never rejects: every failure is a result. `undefined` for a tool that does not exist. */
  async call(call: McpCall): Promise<ToolResult | undefined> {
    const { name, args } = call
    try {
      const workflow = this.#workflowTools.get(name)
      if (workflow !== undefined) return await this.#runRegistered(call, workflow)
      if (!CHECKERS.has(name)) return undefined
      const issues = checkArguments(name, args)
      if (issues.length > 0) return refuse(name, issues)
      return await this.#callOwn(call, name as ToolName)
    } catch (error) {
      return showFault(this.#describe(error))
    }
  }

  #callOwn(call: McpCall, name: ToolName): Promise<ToolResult> {
    switch (name) {
      case 'list_tools':
        return this.#listTools(call)
      case 'validate_workflow':
        return this.#validate(call)
      case 'run_workflow': {
        const { workflow, input } = call.args
        return this.#run(call, { action: 'create' }, workflow, input)
      }
      case 'get_execution':
        return this.#withExecution(call, 'read', async () => undefined)
      case 'answer_input':
        return this.#answer(call)
      case 'cancel_execution':
        return this.#cancel(call)
      default:
        return name satisfies never
    }
  }

  async #listTools({ access }: McpCall): Promise<ToolResult> {
    await access.ask({ action: 'tools' })
    const tools = Array.from(await this.#context.tools.tools(), ({ name, tool }) => {
      const { description, inputSchema } = tool
      // A Standard Schema is code and has no JSON form.
      const isShown = inputSchema !== undefined && !('~standard' in inputSchema)
      return { name, ...(description !== undefined && { description }), ...(isShown && { inputSchema }) }
    })
    return showResult({ tools })
  }

  async #validate({ access, args }: McpCall): Promise<ToolResult> {
    await access.ask({ action: 'validate' })
    const { tools, workflows } = this.#context
    const { workflow, input } = args
    const found = await tools.toolsFor(workflows?.record(workflow as DAGStructure) ?? workflow)
    const report = validateWorkflow(workflow, found, { input, ...(workflows && { workflows }) })
    return showResult({ ...report })
  }

  #runRegistered(call: McpCall, { workflow, toInput }: WorkflowTool): Promise<ToolResult> {
    const document = this.#context.workflows?.get(workflow)
    return this.#run(call, { action: 'create', workflow }, document, toInput(call.args))
  }

  /** Starts a workflow and waits for its end. A cancelled call cancels it. */
  async #run(call: McpCall, question: AccessQuestion, workflow: unknown, input: unknown): Promise<ToolResult> {
    const { host } = this.#context
    const access = await call.access.ask(question)
    const request: ExecutionRequest = {
      workflow: workflow as DAGStructure,
      workflowJson: stringifyJson(workflow),
      input,
      options: {},
      // Calls end before long executions do.
      graceMs: Number.POSITIVE_INFINITY,
      ...(call.traceparent !== undefined && { traceparent: call.traceparent }),
    }
    const hosted = await host.start(request, access)
    await this.#wait(hosted, call, MAX_WAIT_MS, 0)
    if (call.signal.aborted && !hosted.hasEnded) await host.commands.cancel(hosted.executionId, CANCELLED)
    return showExecution(hosted, this.#context.store)
  }

  async #answer(call: McpCall): Promise<ToolResult> {
    const { args } = call
    const hasResponse = Object.hasOwn(args, 'response')
    if (hasResponse === (args['decline'] === true)) {
      const message = `Expected one of \`response\` and \`decline\`, got ${hasResponse ? 'both' : 'neither'}`
      return refuse(call.name, [{ pointer: '', message }])
    }
    const answer: PersonAnswer = hasResponse ? { response: args['response'] } : { decline: true }
    return this.#withExecution(call, 'answer', ({ executionId }, owner) =>
      this.#context.host.commands.answer(executionId, args['inputId'] as string, answer, owner),
    )
  }

  #cancel(call: McpCall): Promise<ToolResult> {
    return this.#withExecution(call, 'cancel', async ({ executionId }) => {
      await this.#context.host.commands.cancel(executionId, { code: 'CANCELLED', message: 'Cancelled by request' })
    })
  }

  /** Acts on an execution that the caller may act on, waits if asked to, and shows it. */
  async #withExecution(
    call: McpCall,
    action: AccessQuestion['action'],
    act: (hosted: HostedExecution, owner: string | undefined) => Promise<void>,
  ): Promise<ToolResult> {
    const { host, store } = this.#context
    const { executionId, waitMs = 0 } = call.args as { executionId: string; waitMs?: number }
    const hosted = await this.#find(call, action, executionId)
    if (hosted === undefined) {
      return showFault({ code: 'EXECUTION_NOT_FOUND', message: 'There is no such execution' })
    }
    try {
      await act(hosted, hosted.record.owner)
    } catch (error) {
      return showExecution(hosted, store, this.#describe(error))
    }
    // A command may have resumed it.
    const current = (await host.find(executionId)) ?? hosted
    if (waitMs > 0) await this.#wait(current, call, waitMs, current.log.head)
    return showExecution(current, store)
  }

  /** The execution of another owner looks like none. */
  async #find(call: McpCall, action: AccessQuestion['action'], id: string): Promise<HostedExecution | undefined> {
    const { host } = this.#context
    const record = ID.test(id) ? await host.findRecord(id) : undefined
    const known = record?.owner === undefined ? {} : { owner: record.owner }
    const { owner } = await call.access.ask({ action, executionId: id, ...known })
    return record !== undefined && record.owner === owner ? host.find(id) : undefined
  }

  #wait(hosted: HostedExecution, call: McpCall, waitMs: number, afterSeq: number): Promise<void> {
    const { host, clock } = this.#context
    const parts = { clock, commands: host.commands, waitMs, afterSeq, by: hosted.record.owner }
    return new ExecutionWait(hosted, call, parts).run()
  }

  /** The text of an unknown error never leaves the process: the log has it under the reference. */
  #describe(error: unknown): ToolFault {
    if (error instanceof AccessDenied) return { code: 'FORBIDDEN', message: error.message }
    const known = findFault(error)
    if (known !== undefined && known.code !== 'TOOLS_UNAVAILABLE') return known
    const reference = crypto.randomUUID()
    this.#context.logger.warn('A call of an MCP tool failed', { reference, error: describeError(error) })
    const message = 'The server failed; its log has the cause under this reference'
    return { code: 'INTERNAL_ERROR', message, ...known, reference }
  }
}

const ID = /^[A-Za-z0-9_-]{1,128}$/

interface ArgumentIssue {
  readonly pointer: string
  readonly message: string
}

function checkArguments(name: string, args: Arguments): readonly ArgumentIssue[] {
  const checker = createInputChecker(CHECKERS.get(name) ?? {})
  if ('unusable' in checker) throw new Error(`The schema of ${describeValue(name)} is not usable: ${checker.unusable}`)
  const checked = checker.check(args)
  if (checked instanceof Promise) throw new Error('A JSON Schema is checked at once')
  return checked.problems.map(({ pointer, message }) => ({ pointer, message }))
}

function refuse(name: string, found: readonly ArgumentIssue[]): ToolResult {
  const issues = found.map(issue => ({ code: 'INVALID_ARGUMENTS', ...issue }))
  const [first] = issues
  const message = `Arguments of ${name}: ${first?.message ?? ''}${first?.pointer ? ` at \`${first.pointer}\`` : ''}`
  return showFault({ code: 'INVALID_ARGUMENTS', message, issues, issueCount: issues.length })
}
