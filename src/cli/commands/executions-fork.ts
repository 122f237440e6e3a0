import { prepareFork } from '../../engine/reuse/prepare-fork.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { readGrownDocument } from '../../host/recovery/grown-tools.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { locateErrorIssues } from '../../workflow/locate-issues.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { askUntilInterrupted, openTools, type ToolFlags } from '../input/open-tools.ts'
import { readSource } from '../input/read-workflow.ts'
import { describeFork } from '../render/hints.ts'
import { McpLines } from '../render/mcp-lines.ts'
import { type OutputFlags, reportEnd } from '../render/run-report.ts'
import { createFileHost, findInFile, followHosted } from '../target/file-host.ts'
import { findStore, type SourceFlags } from '../target/open-source.ts'
import { openExistingStore } from '../target/open-store.ts'
import { describeStore } from '../target/shared-store.ts'
import { RemoteExecutions } from '../target/remote-executions.ts'
import { locateServerIssues } from '../target/server-issues.ts'
import { checkIds, watchCommand } from './watch-command.ts'

/** The flags of `executions fork`. */
export interface ForkFlags extends SourceFlags, ToolFlags, OutputFlags {
  /** Ids of tasks that run again whatever they did. */
  readonly from?: readonly string[]
  /** A file with another workflow. */
  readonly workflow?: string
  readonly input?: unknown
}

/**
 * Runs an execution again as a new one, which takes over what did not change: in this process as `run` does, or on a server,
 * which is then followed as by `watch`.
 * @throws `EXECUTION_NOT_FOUND`, `UNKNOWN_TASK`, `INVALID_WORKFLOW`, `RECORD_UNUSABLE`
 */
export async function forkExecution(
  executionId: string,
  options: ForkFlags,
  context: CommandContext,
): Promise<ExitCode> {
  const { process } = context
  const { server, from = [], workflow: file, input, sse } = options
  checkIds(executionId)
  const source = file === undefined ? undefined : await readSource(file, process)
  const workflow = source?.value as DAGStructure | undefined
  if (server !== undefined) {
    const asked = { from, ...(workflow && { workflow }), ...(input !== undefined && { input }) }
    const executions = new RemoteExecutions({ ...options, server }, process)
    const begun = executions.fork(executionId, asked).catch((error: unknown) => {
      throw source === undefined ? error : locateServerIssues(error, source)
    })
    return watchCommand(await begun, { ...options, server }, context)
  }
  const location = findStore(options, process)
  const store = await openExistingStore(location, 'write', process)
  try {
    const stored = await findInFile(store, executionId)
    const tools = await openTools(options, process, new McpLines(context))
    try {
      const named = workflow ?? (await readGrownDocument(stored, store)).workflow
      const found = await askUntilInterrupted(tools, process, () => tools.toolsFor(named))
      if (found === undefined) return 130
      const host = createFileHost(store, found)
      const { owner } = stored
      const begin = async (): Promise<HostedExecution> =>
        host.start(await prepareFork(stored, store, { from, workflow, input }), owner === undefined ? {} : { owner })
      const followed = await followHosted(host, begin, { ...(sse && { sse }) }, context, (id, viewer) => {
        void viewer.say(`Execution ${id}, a fork of ${executionId}, is kept in ${describeStore(location)}`)
      })
      const code = await reportEnd(followed, options, context)
      await context.stderr.write(describeFork(followed.result, { ...options, store: describeStore(location) }, process))
      return code
    } finally {
      await tools.close()
    }
  } catch (error) {
    throw source === undefined ? error : locateErrorIssues(error, source)
  } finally {
    await store.close()
  }
}
