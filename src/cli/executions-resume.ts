import { Execution } from '../execute/execution.ts'
import { resumeLoop } from '../execute/recovery.ts'
import { readLeft } from '../http/left-request.ts'
import type { StoredExecution } from '../store/execution-store.ts'
import type { SqliteStore } from '../store/sqlite/sqlite-store.ts'
import { EventLog } from '../stream/event-log.ts'
import { type AnyTool, ToolRegistry } from '../tools/registry.ts'
import type { DAGStructure } from '../workflow/document.ts'
import { type CommandContext, type ExitCode, HintedError, UsageError } from './console.ts'
import { follow, type Followed, type FollowedExecution } from './follow.ts'
import { TOOLS_HINT } from './issue-lines.ts'
import { McpLines } from './mcp-lines.ts'
import { findStore, type SourceFlags } from './open-source.ts'
import { askUntilInterrupted, openTools, type ToolFlags } from './open-tools.ts'
import { RemoteExecutions } from './remote-executions.ts'
import { type OutputFlags, reportEnd } from './run-report.ts'
import { openExistingStore } from './store-place.ts'
import { toPlainLine } from './text.ts'
import { checkIds, watchCommand } from './watch-command.ts'

/** The flags of `executions resume`. */
export type ResumeFlags = SourceFlags & ToolFlags & OutputFlags

/**
 * Goes on with an execution that its process left unfinished, in this process as `run` would, or on a server, which is then
 * followed as by `watch`.
 * @throws Error for one that has ended, or is not there; UsageError where a tool is missing, and nothing is begun then
 */
export async function resumeExecution(
  executionId: string,
  options: ResumeFlags,
  context: CommandContext,
): Promise<ExitCode> {
  const { process } = context
  const { server } = options
  checkIds(executionId)
  if (server !== undefined) {
    await new RemoteExecutions({ ...options, server }, process).resume(executionId)
    return watchCommand(executionId, { ...options, server }, context)
  }
  const store = await openExistingStore(findStore(options, process), 'write', process)
  try {
    const stored = await findUnended(store, executionId)
    const workflow = readLeft(stored).workflow as DAGStructure
    const tools = await openTools(options, process, new McpLines(context))
    try {
      const found = await askUntilInterrupted(tools, process, () => tools.toolsFor(workflow))
      if (found === undefined) return 130
      await expectTools(workflow, found, executionId, store)
      return await reportEnd(await resumeHere(stored, store, found, options, context), options, context)
    } finally {
      await tools.close()
    }
  } finally {
    await store.close()
  }
}

async function findUnended(store: SqliteStore, executionId: string): Promise<StoredExecution> {
  const stored = await store.get(executionId)
  if (stored === undefined) throw new Error(`There is no execution ${executionId} in ${store.file}`)
  if (stored.status !== 'running') throw new Error(`Execution ${executionId} has ended: ${stored.status}`)
  return stored
}

/** Begun without them the execution would fail for good, and all that is missing may be a flag. */
async function expectTools(
  { tasks }: DAGStructure,
  tools: readonly AnyTool[],
  executionId: string,
  store: SqliteStore,
): Promise<void> {
  const names = new Set(tools.map(({ name }) => name))
  if (tasks.every(({ tool }) => names.has(tool))) return
  const { state } = await EventLog.restore(executionId, store)
  const missing = tasks.find(({ id, tool }) => !names.has(tool) && !state.tasks.get(id)?.result)
  if (missing === undefined) return
  const what = `There is no tool \`${toPlainLine(missing.tool)}\`, which task \`${toPlainLine(missing.id)}\` needs`
  throw new HintedError(new UsageError(what), TOOLS_HINT)
}

async function resumeHere(
  stored: StoredExecution,
  store: SqliteStore,
  tools: readonly AnyTool[],
  { sse }: OutputFlags,
  context: CommandContext,
): Promise<Followed> {
  const loop = await resumeLoop(stored, store, { tools: new ToolRegistry(tools) })
  // A reader behind a pipe may stop for as long as it likes (`| less`); it never counts as gone.
  const execution = new Execution(loop, { stallTimeoutMs: Infinity })
  const stop = (why: string): void => execution.cancel(why)
  const begin = (): FollowedExecution => {
    return { events: execution, result: () => execution.result, stop, isCancelling: true }
  }
  return follow({ ...(sse && { sse }), begin }, context)
}
