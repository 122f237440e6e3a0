import { DagstreamError } from '../../errors.ts'
import { DEFAULT_OPTIONS } from '../../engine/options.ts'
import { StreamingExecutor } from '../../engine/executors/streaming-executor.ts'
import { foresightOf } from '../../forecast/foresight.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import type { ToolSource } from '../../tools/registry.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { locateErrorIssues } from '../../workflow/locate-issues.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import { type CommandContext, type ExitCode, HintedError, UsageError } from '../process/console.ts'
import { COMMAND_BUFFER, follow, type Followed, type FollowedExecution, followLocally } from '../target/follow.ts'
import { hintsFor } from '../render/hints.ts'
import { missesTool, TOOLS_HINT } from '../render/issue-lines.ts'
import { askUntilInterrupted } from '../input/open-tools.ts'
import { canAsk } from '../input/question-prompts.ts'
import { expectOneReader } from '../input/read-config.ts'
import { readSource, type Source } from '../input/read-workflow.ts'
import { isName, readNamed, readWorkflowFolder } from '../input/workflow-folder.ts'
import { reportEnd } from '../render/run-report.ts'
import { sayFork, withLocalParts } from '../target/local-parts.ts'
import { describeStore } from '../target/shared-store.ts'
import { locateServerIssues } from '../target/server-issues.ts'
import { renderUsage } from '../render/summary.ts'
import type { Viewer } from '../render/viewer.ts'
import { pickSse, type RunOptions, toRemoteOptions } from './run-options.ts'

/**
 * Runs a workflow: the result goes to stdout, progress for people to stderr.
 *
 * Ctrl-C cancels and waits for the end; a second one ends the `finally` tasks, if there are any; the next one exits at once. A reader of `--sse` that leaves cancels, at the next write.
 * @throws DagstreamError `INVALID_WORKFLOW` and `TOOLS_UNAVAILABLE`, before any task has started; of a server `HTTP_ERROR` and
 * `CONNECTION_LOST`
 */
export async function runCommand(file: string, options: RunOptions, context: CommandContext): Promise<ExitCode> {
  const { process, stderr } = context
  const { server, token, store: storeFile, retainAge, retainCount, cacheAge, cacheBytes } = options
  if (server === undefined && token !== undefined) throw new UsageError('Expected --server with --token')
  if (storeFile === undefined && (retainAge ?? retainCount ?? cacheAge ?? cacheBytes) !== undefined) {
    throw new UsageError('Expected --store with --retain-age, --retain-count, --cache-age and --cache-bytes')
  }
  expectOneReader(file, options.mcp)
  if (options.dryRun) {
    if (storeFile !== undefined && options.from === undefined)
      throw new UsageError('Expected --from with --store and --dry-run')
    return (await import('./dry-run-command.ts')).dryRunCommand(file, options, context)
  }
  if ((options.outputs ?? options.from) !== undefined)
    throw new UsageError('Expected --dry-run with --outputs and --from')
  if (options.ndjson) return (await import('../plan/run-plan.ts')).runPlanCommand(file, options, context)
  if ((options.eager ?? options.onPlanError ?? options.onPlanBreak) !== undefined)
    throw new UsageError('Expected --ndjson with --eager, --on-plan-error and --on-plan-break')
  if (options.page) return (await import('../page/run-page.ts')).runOnPage(file, options, context, runRemotely)
  if (server !== undefined) {
    const asked = isName(file, process.cwd) ? file : await readSource(file, process)
    return runRemotely(asked, { ...options, server }, context)
  }
  const folder = await readWorkflowFolder(options.workflows, process)
  const source = await readNamed(file, folder, process)
  return withLocalParts(options, folder, context, async ({ tools, workflows, store }) => {
    const workflow = source.value as DAGStructure
    const recorded = workflows?.record(workflow) ?? workflow
    const found = await askUntilInterrupted(tools, process, () => tools.toolsFor(recorded))
    if (found === undefined) return 130
    const { hasFinally } = collectNames(recorded)
    const followed = await runHere({ source, tools: found, workflows, store, hasFinally }, options, context)
    // Before the servers stop, which may take a while.
    const code = await reportEnd(followed, options, context)
    if (!options.json && !options.sse) await stderr.write(hintsFor(file, process.cwd))
    await sayFork(followed.result, options, context)
    return code
  })
}

/** What is run in this process. */
interface LocalRun {
  readonly source: Source
  readonly tools: ToolSource
  readonly workflows: WorkflowRegistry | undefined
  readonly store: ExecutionStore | undefined
  readonly hasFinally: boolean
}

async function runHere(run: LocalRun, options: RunOptions, context: CommandContext): Promise<Followed> {
  const { source, tools, workflows, store, hasFinally } = run
  const workflow = source.value as DAGStructure
  try {
    if (store !== undefined) return await runStored(workflow, store, run, options, context)
    const executor = new StreamingExecutor(tools, workflows && { workflows })
    const { input } = options
    const begin = (): FollowedExecution =>
      followLocally(
        executor.stream(workflow, {
          ...toRemoteOptions(options),
          input,
          buffer: COMMAND_BUFFER,
          isAttended: canAsk(context.process),
        }),
      )
    return await follow({ ...pickSse(options), hasFinally, begin }, context)
  } catch (error) {
    const located = locateErrorIssues(error, source)
    const isMissing = located instanceof DagstreamError && missesTool(located.details['issues'])
    throw isMissing ? new HintedError(located, TOOLS_HINT) : located
  }
}

/** The host is loaded only for a store. */
async function runStored(
  workflow: DAGStructure,
  store: ExecutionStore,
  { tools, workflows, hasFinally }: LocalRun,
  options: RunOptions,
  context: CommandContext,
): Promise<Followed> {
  const { createFileHost, followHosted } = await import('../target/file-host.ts')
  const { input } = options
  // In a process of one execution there is no earlier start that could have read it.
  await foresightOf(store)?.prepare(undefined, DEFAULT_OPTIONS)
  const host = createFileHost(store, tools, { workflows, isAttended: canAsk(context.process) })
  const start = (): Promise<HostedExecution> => host.start({ workflow, input, options: toRemoteOptions(options) })
  return followHosted(host, start, { ...pickSse(options), hasFinally }, context, (executionId, viewer) => {
    void viewer.say(`Execution ${executionId} is kept in ${describeStore(options.store ?? '')}`)
  })
}

/** @param asked a workflow, or the name of one that the server has */
async function runRemotely(
  asked: Source | string,
  options: RunOptions & { readonly server: string },
  context: CommandContext,
): Promise<ExitCode> {
  const { input } = options
  const { RemoteSession } = await import('../target/remote-session.ts')
  const workflow = typeof asked === 'string' ? asked : (asked.value as DAGStructure)
  const session = new RemoteSession(options)
  const given = { options: toRemoteOptions(options), ...(input !== undefined && { input }) }
  let followed: Followed
  try {
    const begin = (viewer: Viewer): FollowedExecution => session.start(workflow, given, context.process, viewer)
    followed = await follow({ ...pickSse(options), begin }, context)
  } catch (error) {
    if (session.tokenUsage !== undefined) await context.stderr.write(`${renderUsage(session.tokenUsage)}\n`)
    return session.endAfter(typeof asked === 'string' ? error : locateServerIssues(error, asked), context)
  }
  return reportEnd(followed, options, context)
}
