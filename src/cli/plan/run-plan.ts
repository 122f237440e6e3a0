import { StreamingExecutor } from '../../engine/executors/streaming-executor.ts'
import { beginLocally } from '../../engine/growth/plan-head.ts'
import { PlanLineReader } from '../../engine/growth/plan-lines.ts'
import { resolveOptions } from '../../engine/options.ts'
import type { ExecutionRequest } from '../../host/execution/execution-request.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import type { AnyTool } from '../../tools/registry.ts'
import { pickPlanOptions, pickSse, type RunOptions, toRemoteOptions } from '../commands/run-options.ts'
import { askUntilInterrupted } from '../input/open-tools.ts'
import { canAsk } from '../input/question-prompts.ts'
import { readWorkflowFolder } from '../input/workflow-folder.ts'
import { type CommandContext, type ExitCode, UsageError } from '../process/console.ts'
import { reportEnd } from '../render/run-report.ts'
import { COMMAND_BUFFER, follow, type Followed, followLocally } from '../target/follow.ts'
import { sayFork, withLocalParts } from '../target/local-parts.ts'
import { describeStore } from '../target/shared-store.ts'
import { PlanInput, reportBreak } from './plan-input.ts'

/**
 * Runs a plan while it is written, with the output of `run`.
 * @throws UsageError if its first line cannot be read; `INVALID_OPTION`, `INVALID_WORKFLOW` for that line; `TOOLS_UNAVAILABLE`
 */
export async function runPlanCommand(file: string, options: RunOptions, context: CommandContext): Promise<ExitCode> {
  const { process } = context
  const { server } = options
  if (options.schedule === 'layers')
    throw new UsageError(
      'Expected --schedule dataflow with --ndjson: the layers of a plan are not known before its end',
    )
  const input = await PlanInput.open(file, process)
  try {
    if (server === undefined) return await runHere(input, options, context)
    return await (await import('./run-plan-remotely.ts')).runPlanRemotely(input, { ...options, server }, context)
  } finally {
    input.close()
  }
}

async function runHere(input: PlanInput, options: RunOptions, context: CommandContext): Promise<ExitCode> {
  const { process } = context
  const folder = await readWorkflowFolder(options.workflows, process)
  return withLocalParts(options, folder, context, async ({ tools, workflows, store }) => {
    // Nobody knows yet what the plan will name.
    const found = await askUntilInterrupted(tools, process, () => tools.tools())
    if (found === undefined) return 130
    const run: PlanRun = { input, tools: found, workflows, isAttended: canAsk(process) && !input.isStandardInput }
    const followed = await (store === undefined
      ? runInMemory(run, options, context)
      : runStored(run, store, options, context))
    if (followed === undefined) return 130
    const code = await reportEnd(followed, options, context)
    await reportBreak(input, context)
    await sayFork(followed.result, options, context)
    return code
  })
}

/** A plan that is run in this process. */
interface PlanRun {
  readonly input: PlanInput
  readonly tools: readonly AnyTool[]
  readonly workflows: WorkflowRegistry | undefined
  /** Whether a person can be asked. */
  readonly isAttended: boolean
}

async function runInMemory(
  { input, tools, workflows, isAttended }: PlanRun,
  options: RunOptions,
  context: CommandContext,
): Promise<Followed | undefined> {
  const executor = new StreamingExecutor(tools, workflows && { workflows })
  const execution = await input.untilInterrupted(context.process, () =>
    executor.streamPlan(input, {
      ...toRemoteOptions(options),
      ...pickPlanOptions(options),
      input: options.input,
      buffer: COMMAND_BUFFER,
      isAttended,
    }),
  )
  if (execution === undefined) return undefined
  return follow({ ...pickSse(options), isAttended, begin: () => followLocally(execution) }, context)
}

/** The host is loaded only for a store. */
async function runStored(
  { input, tools, workflows, isAttended }: PlanRun,
  store: ExecutionStore,
  options: RunOptions,
  context: CommandContext,
): Promise<Followed | undefined> {
  const { createFileHost, followHosted } = await import('../target/file-host.ts')
  const request = await input.untilInterrupted(context.process, () => readRequest(input, options))
  if (request === undefined) return undefined
  const host = createFileHost(store, tools, { workflows, isAttended })
  const start = (): Promise<HostedExecution> => host.start(request)
  return followHosted(host, start, { ...pickSse(options), isAttended }, context, (executionId, viewer) => {
    void viewer.say(`Execution ${executionId} is kept in ${describeStore(options.store ?? '')}`)
  })
}

async function readRequest(input: PlanInput, flags: RunOptions): Promise<ExecutionRequest> {
  const reader = new PlanLineReader(input)
  const given = { input: flags.input, plan: pickPlanOptions(flags), options: toRemoteOptions(flags) }
  const { workflow, streamed, first, ...begun } = await beginLocally(reader, given)
  const { schedule, maxConcurrency, timeoutMs, onTaskError } = resolveOptions(...begun.options)
  return {
    workflow,
    input: begun.input,
    options: { schedule, maxConcurrency, timeoutMs, onTaskError },
    plan: { streamed, planner: input, reader, first },
  }
}
