import { DagstreamError } from '../../errors.ts'
import type { ExecutionResult } from '../../engine/execution-result.ts'
import { StreamingExecutor } from '../../engine/executors/streaming-executor.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { ChatArguments } from '../../integrations/llm/chat-tool.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { findMode } from '../input/chat-modes.ts'
import { findChatTool } from '../input/chat-tools.ts'
import { ChatViewer } from '../render/chat-viewer.ts'
import { type CommandContext, type ExitCode, HintedError, UsageError } from '../process/console.ts'
import { describeFailure } from '../render/event-lines.ts'
import { follow, type FollowedExecution, toExitCode } from '../target/follow.ts'
import { missesTool } from '../render/issue-lines.ts'
import { type CliConfig, type LlmOptions, parseLlmOptions, readConfig } from '../input/read-config.ts'
import { RemoteSession } from '../target/remote-session.ts'
import { renderUsage } from '../render/summary.ts'
import { formatMs, formatNumberOf, toPlainLine } from '../render/text.ts'

/** The flags of `chat`. */
export interface ChatOptions {
  readonly model?: string
  readonly mode?: string
  /** Fields to omit from the request. */
  readonly omit?: readonly string[]
  /** Additional fields of the request. */
  readonly extra?: Readonly<Record<string, unknown>>
  /** The server to run on instead of this process. */
  readonly server?: string
  readonly token?: string
  /** @defaultValue whether stdout is a terminal */
  readonly stream?: boolean
  readonly verbose?: true
  readonly hideTokenUsage?: true
}

const KEY_MESSAGE =
  'There is no key for a language model: set OPENROUTER_API_KEY, to any value for an endpoint that needs none, or give --server'
const SERVER_HINT = 'A server has `llm:chat` where OPENROUTER_API_KEY is set when it starts'

/**
 * Prompts a language model: the answer goes to stdout, its cost to stderr, whatever the outcome.
 *
 * Ctrl-C cancels and waits for the end; a second one exits at once. A reader of stdout that leaves cancels, at the next write.
 * @throws UsageError without a key or a server, and for an unknown mode, before anything is sent; from a server DagstreamError
 * `HTTP_ERROR` and `CONNECTION_LOST`
 */
export async function chatCommand(prompt: string, options: ChatOptions, context: CommandContext): Promise<ExitCode> {
  const { stdout } = context
  const { server, token } = options
  if (server === undefined && token !== undefined) throw new UsageError('Expected --server with --token')
  if (prompt.trim() === '') throw new UsageError('Expected a non-empty prompt')
  // Always read, so that its errors surface even without a mode.
  const config = await readConfig(context.process)
  const llm = parseLlmOptions(config)
  const args = buildArguments(prompt, options, config)
  let stop = (_why: string): void => {}
  const viewer = new ChatViewer(context, {
    isStreaming: options.stream ?? stdout.stream.isTTY === true,
    isVerbose: options.verbose === true,
    onGone: () => stop(stdout.isClosed ? 'The reader of the answer has left' : 'The answer cannot be written'),
  })
  const startedAt = performance.now()
  const session =
    server === undefined ? undefined : new RemoteSession({ server, ...(token !== undefined && { token }) })
  const start =
    session === undefined
      ? startHere(args, llm, context)
      : () => session.start(buildWorkflow(args), { input: args }, context.process, viewer)
  try {
    const { result } = await follow(
      {
        viewer,
        begin() {
          const execution = start()
          let isStopped = false
          stop = why => {
            if (!isStopped) execution.stop(why)
            isStopped = true
          }
          return { ...execution, stop }
        },
      },
      context,
    )
    await showEnd(result, viewer, context)
    await tellCost({ args, result, ms: result.executionTimeMs }, viewer, options, context)
    // A full disk is a failure (1) although it caused a cancellation.
    return stdout.error && !stdout.isClosed ? 1 : toExitCode(result)
  } catch (error) {
    await viewer.breakLine()
    // No cost before an attempt has started.
    if (viewer.attemptCount > 0) await tellCost({ args, ms: performance.now() - startedAt }, viewer, options, context)
    if (error instanceof DagstreamError && missesTool(error.details['issues']))
      throw new HintedError(error, SERVER_HINT)
    if (session === undefined) throw error
    return await session.endAfter(error, context)
  }
}

/** The arguments of the call; flags override the mode. */
function buildArguments(prompt: string, options: ChatOptions, config: CliConfig): ChatArguments {
  const mode = options.mode === undefined ? undefined : findMode(options.mode, config)
  const model = options.model ?? mode?.model
  if (model === '') throw new UsageError('Expected --model to be the name of a model')
  return {
    prompt,
    ...(mode !== undefined && { system: mode.system }),
    ...(mode?.temperature !== undefined && { temperature: mode.temperature }),
    ...(model !== undefined && { model }),
    ...(options.omit !== undefined && { omit: options.omit }),
    ...(options.extra !== undefined && { extra: options.extra }),
  }
}

/** One task. Its arguments are passed as input, which is never scanned for references: a prompt may contain `$INPUT`. */
function buildWorkflow(args: ChatArguments): DAGStructure {
  const references = Object.fromEntries(Object.keys(args).map(name => [name, `$INPUT.${name}`]))
  return { name: 'chat', tasks: [{ id: 'chat', tool: 'llm:chat', arguments: references }] }
}

/** @throws UsageError without a key */
function startHere(args: ChatArguments, llm: LlmOptions, { process }: CommandContext): () => FollowedExecution {
  const tool = findChatTool(process.env, llm)
  if (tool === undefined) throw new UsageError(KEY_MESSAGE)
  return () => {
    const execution = new StreamingExecutor([tool]).stream(buildWorkflow(args), {
      // A reader behind a pipe may pause indefinitely (`| less`); it never counts as disconnected.
      buffer: { stallTimeoutMs: Infinity },
      input: args,
    })
    const stop = (why: string): void => execution.cancel(why)
    return { events: execution, result: () => execution.result, stop, isCancelling: true }
  }
}

/** Prints the complete answer, or the reason why there is none. */
async function showEnd(
  { results, reason }: ExecutionResult,
  viewer: ChatViewer,
  context: CommandContext,
): Promise<void> {
  const task = results[0]
  if (task?.status === 'success') {
    const text = findText(task.output)
    return text === undefined ? viewer.breakLine() : viewer.finish(text)
  }
  await viewer.breakLine()
  const why = reason ? `${reason.code}: ${reason.message}` : describeFailure(task ?? { status: 'error' })
  await context.stderr.write(`${context.colors.red('error')} ${toPlainLine(why)}\n`)
}

/** The answer in the tool's output: a server's own tool of that name may return another shape. */
function findText(output: unknown): string | undefined {
  if (typeof output === 'string') return output
  const { text } = (output ?? {}) as { text?: unknown }
  if (typeof text === 'string') return text
  return output === undefined || output === null ? undefined : stringifyJson(output)
}

function findModel(output: unknown): string | undefined {
  const { model } = (output ?? {}) as { model?: unknown }
  return typeof model === 'string' ? model : undefined
}

interface CallEnd {
  readonly args: ChatArguments
  /** Absent if the connection was lost before it. */
  readonly result?: ExecutionResult
  readonly ms: number
}

/** Prints time, tokens and cost from the result, else from the events. */
async function tellCost(
  { args, result, ms }: CallEnd,
  viewer: ChatViewer,
  { verbose, hideTokenUsage }: ChatOptions,
  { stderr, colors }: CommandContext,
): Promise<void> {
  const lines = []
  if (verbose) {
    const { attemptCount, metrics } = viewer
    const model = findModel(result?.results[0]?.output) ?? args.model
    const attempts = Math.max(attemptCount, result?.results[0]?.attempts ?? 0)
    const parts = [
      ...(model === undefined ? [] : [`Model: ${toPlainLine(model)}`]),
      ...(metrics ? [`first token ${formatMs(metrics.ttftMs)}`] : []),
      // 0 means not measurable.
      ...(metrics?.tokensPerSec ? [`${metrics.tokensPerSec.toFixed(1)} tokens/s`] : []),
      `${formatNumberOf(attempts, 'attempt')}, ${attempts === 2 ? '1 retry' : `${Math.max(0, attempts - 1)} retries`}`,
    ]
    lines.push(colors.dim(parts.join(' · ')))
  }
  const usage = result?.tokenUsage ?? viewer.tokenUsage
  if (!hideTokenUsage) lines.push(usage === undefined ? 'Token usage: not reported' : renderUsage(usage))
  lines.push(`Time: ${formatMs(ms)}`)
  await stderr.write(`${lines.join('\n')}\n`)
}
