import { StreamingExecutor } from '../../engine/executors/streaming-executor.ts'
import { withoutPlanners } from '../../engine/growth/group-growth.ts'
import type { PlanOptions } from '../../engine/growth/plan-options.ts'
import { addTokenUsage, type TokenUsage } from '../../events/token-usage.ts'
import { createPlanChecks } from '../../integrations/llm/plan/plan-checks.ts'
import type { PlanRequest } from '../../integrations/llm/plan/plan-tasks.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import { findProvider } from '../input/chat-tools.ts'
import { openTools, type ToolFlags } from '../input/open-tools.ts'
import { canAsk } from '../input/question-prompts.ts'
import { parseLlmOptions, readConfig } from '../input/read-config.ts'
import { type CommandContext, type ExitCode, UsageError } from '../process/console.ts'
import { listenForInterrupts } from '../process/interrupts.ts'
import { McpLines } from '../render/mcp-lines.ts'
import { type OutputFlags, reportEnd } from '../render/run-report.ts'
import { renderUsage } from '../render/summary.ts'
import { formatMs, formatNumberOf, toPlainLine } from '../render/text.ts'
import { COMMAND_BUFFER, follow, followLocally } from '../target/follow.ts'
import { planPatiently } from './repeat-plan.ts'

/** The flags of `plan`. */
export interface PlanFlags extends ToolFlags, OutputFlags, Pick<PlanOptions, 'eager'> {
  readonly model?: string
  readonly repairs?: number
  readonly maxPromptTokens?: number
  readonly concurrency?: number
  readonly dryRun?: true
}

/**
 * Asks a model for a plan and runs its tasks while it writes them, or prints them.
 * @throws UsageError without a key; `INVALID_WORKFLOW` for a plan that stays invalid; `ProviderError`; `TOOLS_UNAVAILABLE`
 */
export async function planCommand(prompt: string, flags: PlanFlags, context: CommandContext): Promise<ExitCode> {
  const { process, stderr } = context
  const { dryRun, eager, json, sse, concurrency } = flags
  if (dryRun && (eager ?? json ?? sse ?? concurrency) !== undefined) {
    throw new UsageError('Expected --dry-run without --eager, --concurrency, --json and --sse: it runs nothing')
  }
  const provider = findProvider(process.env, parseLlmOptions(await readConfig(process)))
  if (provider === undefined)
    throw new UsageError('Expected OPENROUTER_API_KEY in the environment: a model writes the plan')
  const opened = await openTools(flags, process, new McpLines(context))
  const abort = new AbortController()
  const interrupts = listenForInterrupts(process, () => {
    abort.abort()
    // Never rejects, and the command closes them again.
    void opened.close()
  })
  let usage: TokenUsage | undefined
  try {
    const tools = new ToolRegistry(await opened.tools())
    // It plans itself: a plan within it would be asked for by a model.
    const planned = withoutPlanners(tools)
    const { model, repairs, maxPromptTokens } = flags
    const request: PlanRequest = {
      provider,
      prompt,
      tools: planned,
      checks: createPlanChecks(planned),
      signal: abort.signal,
      onUsage: growth => (usage = addTokenUsage(usage, growth)),
      onRepair: refused => {
        const lines = refused.length === 0 ? 'the rest of the plan' : formatNumberOf(refused.length, 'refused line')
        void stderr.write(`Asking the model again for ${lines}\n`)
      },
      ...(model !== undefined && { model }),
      ...(repairs !== undefined && { repairs }),
      ...(maxPromptTokens !== undefined && { maxPromptTokens }),
    }
    const tasks = planPatiently(request, ({ message }, delayMs) => {
      void stderr.write(`${toPlainLine(message)}: asking the model again in ${formatMs(delayMs)}\n`)
    })
    return await (dryRun ? printPlan(tasks, context) : runPlan(tasks, planned, flags, context, () => interrupts.stop()))
  } catch (error) {
    if (abort.signal.aborted) return 130
    throw error
  } finally {
    interrupts.stop()
    // The model may still be writing, or be waited for.
    abort.abort()
    if (usage !== undefined) await stderr.write(`Plan: ${renderUsage(usage)}\n`)
    await opened.close()
  }
}

/** Prints the tasks as they are accepted, in the form that `streamPlan` reads. */
async function printPlan(tasks: AsyncIterable<object>, { stdout }: CommandContext): Promise<ExitCode> {
  for await (const task of tasks) await stdout.write(`${stringifyJson(task)}\n`)
  await stdout.write('{"seal":true}\n')
  return 0
}

/** @param onFollow called once the execution takes interrupts itself */
async function runPlan(
  tasks: AsyncIterable<object>,
  tools: ToolRegistry,
  flags: PlanFlags,
  context: CommandContext,
  onFollow: () => void,
): Promise<ExitCode> {
  const { eager, sse, concurrency } = flags
  const failed: { error?: unknown } = {}
  const source = async function* (): AsyncGenerator<object, void, undefined> {
    try {
      yield* tasks
    } catch (error) {
      failed.error = error
      throw error
    }
  }
  const executor = new StreamingExecutor(tools)
  const execution = await executor.streamPlan(source(), {
    buffer: COMMAND_BUFFER,
    isAttended: canAsk(context.process),
    ...(eager && { eager }),
    ...(concurrency !== undefined && { maxConcurrency: concurrency }),
  })
  onFollow()
  const followed = await follow({ ...(sse && { sse }), begin: () => followLocally(execution) }, context)
  const code = await reportEnd(followed, flags, context)
  if (failed.error !== undefined) throw failed.error
  return code
}
