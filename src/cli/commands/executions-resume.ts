import { findUnsettledTool } from '../../engine/resume/recorded-execution.ts'
import { DagstreamError } from '../../errors.ts'
import { callStore } from '../../store/call-store.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { expectUsableRecord, parseRecord } from '../../host/storage/recoverable-record.ts'
import type { StoredExecution } from '../../store/execution-store.ts'
import { readGrownDocument } from '../../host/recovery/grown-tools.ts'
import { EventLog } from '../../log/event-log.ts'
import type { AnyTool } from '../../tools/registry.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import { type CommandContext, type ExitCode, HintedError, UsageError } from '../process/console.ts'
import { createFileHost, findInFile, followHosted } from '../target/file-host.ts'
import { TOOLS_HINT } from '../render/issue-lines.ts'
import { McpLines } from '../render/mcp-lines.ts'
import { findStore, type SourceFlags } from '../target/open-source.ts'
import { askUntilInterrupted, openTools, type ToolFlags } from '../input/open-tools.ts'
import { canAsk } from '../input/question-prompts.ts'
import { RemoteExecutions } from '../target/remote-executions.ts'
import { type OutputFlags, reportEnd } from '../render/run-report.ts'
import { type KeptStore, openExistingStore } from '../target/open-store.ts'
import { toPlainLine } from '../render/text.ts'
import { RestOfPlan } from '../plan/rest-of-plan.ts'
import { reportBreak } from '../plan/plan-input.ts'
import { expectOneReader } from '../input/read-config.ts'
import { checkIds, watchCommand } from './watch-command.ts'

/** The flags of `executions resume`. */
export type ResumeFlags = SourceFlags &
  ToolFlags &
  OutputFlags & {
    /** A file with the whole plan, or `-`: its lines that were accepted already are left out. */
    readonly plan?: string
    /** The number of lines that `plan` leaves out itself. */
    readonly planLine?: number
  }

/**
 * Resumes an unfinished execution, in this process as `run` does, or on a server, which is then followed as by `watch`.
 * @throws `EXECUTION_ENDED`, `EXECUTION_NOT_FOUND`, `RECORD_UNUSABLE`; UsageError if a tool is missing, before anything starts
 */
export async function resumeExecution(
  executionId: string,
  options: ResumeFlags,
  context: CommandContext,
): Promise<ExitCode> {
  const { process } = context
  const { server, plan: planFile, planLine } = options
  checkIds(executionId)
  if (planFile === undefined && planLine !== undefined) throw new UsageError('Expected --plan with --plan-line')
  if (planFile !== undefined) expectOneReader(planFile, options.mcp)
  if (server !== undefined) {
    await new RemoteExecutions({ ...options, server }, process).resume(executionId)
    return watchCommand(executionId, { ...options, server }, context)
  }
  const store = await openExistingStore(findStore(options, process), 'write', process)
  try {
    const stored = await findUnended(store, executionId)
    const { hasFinally } = parseRecord(stored)
    const { workflow, isUnsealed, line } = await readGrownDocument(stored, store)
    if (planFile !== undefined && !isUnsealed)
      throw new UsageError(`The plan of execution ${executionId} is complete: it takes no more lines`)
    const plan = planFile === undefined ? undefined : await RestOfPlan.open(planFile, line, planLine, process)
    const tools = await openTools(options, process, new McpLines(context))
    try {
      const found = await askUntilInterrupted(tools, process, () =>
        plan === undefined ? tools.toolsFor(workflow) : tools.tools(),
      )
      if (found === undefined) return 130
      await expectTools(stored, workflow, found, store)
      if (plan !== undefined && !(await plan.skip(process))) return 130
      const isAttended = canAsk(process) && !plan?.input.isStandardInput
      const planGraceMs = plan === undefined ? 0 : Number.POSITIVE_INFINITY
      const host = createFileHost(store, found, { isAttended, planGraceMs })
      const followOptions = { ...(options.sse && { sse: options.sse }), hasFinally, isAttended }
      const resume = async (): Promise<HostedExecution> => {
        const hosted = await host.commands.resume(executionId)
        if (plan !== undefined) await host.plans.get(executionId)?.resume(plan.input, plan.line)
        return hosted
      }
      const code = await reportEnd(await followHosted(host, resume, followOptions, context), options, context)
      if (plan !== undefined) await reportBreak(plan.input, context)
      return code
    } finally {
      plan?.input.close()
      await tools.close()
    }
  } finally {
    await store.close()
  }
}

async function findUnended(store: KeptStore, executionId: string): Promise<StoredExecution> {
  const stored = await findInFile(store, executionId)
  if (stored.status === 'running') return stored
  throw new DagstreamError('EXECUTION_ENDED', `Execution ${executionId} has ended: ${stored.status}`)
}

/** Checked first: without its tools the execution would fail permanently, although only a flag may be missing. */
async function expectTools(
  stored: StoredExecution,
  workflow: DAGStructure,
  tools: readonly AnyTool[],
  store: KeptStore,
): Promise<void> {
  const names = new Set(tools.map(({ name }) => name))
  const missing = new Set([...collectNames(workflow).tools].filter(name => !names.has(name)))
  if (missing.size === 0) return
  const { state } = await callStore(() => EventLog.restore(stored.executionId, store))
  const needed = findUnsettledTool(workflow, missing, id => state.tasks.get(id)?.result !== undefined)
  if (needed === undefined) return
  // A workflow that fails its checks needs no tool.
  expectUsableRecord(stored)
  const what = `There is no tool \`${toPlainLine(needed.tool)}\`, which task \`${toPlainLine(needed.taskId)}\` needs`
  throw new HintedError(new UsageError(what), TOOLS_HINT)
}
