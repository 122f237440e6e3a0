import type { RemoteOptions } from '../client/create-client.ts'
import { describeCause } from '../client/describe-cause.ts'
import { DagstreamError } from '../errors.ts'
import type { Schedule } from '../events/events.ts'
import type { ExecutionResult } from '../execute/execution-result.ts'
import { type StreamOptions, StreamingExecutor } from '../execute/streaming-executor.ts'
import type { ToolSource } from '../tools/registry.ts'
import type { DAGStructure } from '../workflow/document.ts'
import { type CommandContext, type ExitCode, HintedError, UsageError } from './console.ts'
import { follow, type Followed, type FollowedExecution, toExitCode } from './follow.ts'
import { hintsFor } from './hints.ts'
import { missesTool, TOOLS_HINT } from './issue-lines.ts'
import { McpLines } from './mcp-lines.ts'
import { askUntilInterrupted, openTools } from './open-tools.ts'
import { expectOneReader } from './read-config.ts'
import { readWorkflow } from './read-workflow.ts'
import { connect, RemotePlace } from './server-connection.ts'
import { renderSummary } from './summary.ts'
import { toPlainLine, toPlainText } from './text.ts'
import type { Viewer } from './viewer.ts'

/** The flags of `run`. */
export interface RunOptions {
  readonly schedule?: Schedule
  readonly concurrency?: number
  readonly failFast?: true
  /** For the whole execution, ms. */
  readonly timeout?: number
  /** What `$INPUT` refers to. */
  readonly input?: unknown
  readonly tools?: string
  /** A file with `mcpServers`. */
  readonly mcp?: string
  /** Where it runs instead of this process. */
  readonly server?: string
  readonly token?: string
  readonly json?: true
  readonly sse?: true
}

const STOP_MESSAGE = 'Cancelling; press Ctrl-C again to exit at once'

/**
 * Runs a workflow: the result goes to stdout, what people follow it by to stderr.
 *
 * Ctrl-C cancels and waits for the end; a second one exits at once. A reader of `--sse` that leaves cancels, at the next write.
 * @throws DagstreamError `INVALID_WORKFLOW` and `TOOLS_UNAVAILABLE`, before any task has started; of a server `HTTP_ERROR` and
 * `CONNECTION_LOST`
 */
export async function runCommand(file: string, options: RunOptions, context: CommandContext): Promise<ExitCode> {
  const { process } = context
  const { server, token } = options
  if (server === undefined && token !== undefined) throw new UsageError('Expected --server with --token')
  expectOneReader(file, options.mcp)
  const workflow = (await readWorkflow(file, process)) as DAGStructure
  if (server !== undefined) {
    return report(file, await runRemotely(workflow, { ...options, server }, context), options, context)
  }
  const lines = new McpLines(context)
  const tools = await openTools(options, process, lines)
  try {
    const found = await askUntilInterrupted(tools, process, () => tools.toolsFor(workflow))
    if (found === undefined) return 130
    const followed = await runHere(workflow, found, options, lines, context)
    // Before the servers end: that may take them a while.
    return await report(file, followed, options, context)
  } finally {
    await tools.close()
  }
}

async function report(
  file: string,
  { result, lastLayer }: Followed,
  options: RunOptions,
  { process, stdout, stderr, colors }: CommandContext,
): Promise<ExitCode> {
  if (options.json) await stdout.write(`${JSON.stringify(result)}\n`)
  if (!stdout.isClosed) await stderr.write(renderSummary(result, colors))
  if (!options.json && !options.sse) {
    await stdout.write(renderOutputs(result, lastLayer, stdout.stream.isTTY === true))
    if (options.server === undefined) await stderr.write(hintsFor(file, process.cwd))
  }
  // A full disk is no cancellation, though it led to one.
  return stdout.error && !stdout.isClosed ? 1 : toExitCode(result)
}

async function runHere(
  workflow: DAGStructure,
  tools: ToolSource,
  options: RunOptions,
  lines: McpLines,
  context: CommandContext,
): Promise<Followed> {
  const begin = (viewer: Viewer): FollowedExecution => {
    lines.showIn(viewer)
    const execution = new StreamingExecutor(tools).stream(workflow, toStreamOptions(options))
    const stop = (why: string): void => execution.cancel(why)
    return { events: execution, result: () => execution.result, stop, stopMessage: STOP_MESSAGE }
  }
  try {
    return await follow({ ...pickSse(options), begin }, context)
  } catch (error) {
    const isMissing = error instanceof DagstreamError && missesTool(error.details['issues'])
    throw isMissing ? new HintedError(error, TOOLS_HINT) : error
  } finally {
    lines.showIn(undefined)
  }
}

async function runRemotely(
  workflow: DAGStructure,
  options: RunOptions & { readonly server: string },
  context: CommandContext,
): Promise<Followed> {
  const place = new RemotePlace(options)
  try {
    return await follow(
      {
        ...pickSse(options),
        begin(viewer) {
          const { input } = options
          const client = connect(options, context.process, viewer)
          const execution = client.stream(workflow, {
            options: toRemoteOptions(options),
            ...(input !== undefined && { input }),
          })
          const stop = (): void => {
            // Until the events say that it has ended, it has not: a cancellation that got lost is no end.
            const tell = (error: unknown): void => {
              void viewer.say(`Cannot cancel: ${toPlainLine(describeCause(error))}`)
            }
            execution.cancel().catch(tell)
          }
          return { events: place.note(execution), result: () => execution.result, stop, stopMessage: STOP_MESSAGE }
        },
      },
      context,
    )
  } catch (error) {
    await place.sayAfter(error, context)
    throw error
  }
}

function pickSse({ sse }: RunOptions): { sse?: true } {
  return sse === undefined ? {} : { sse }
}

function toStreamOptions(options: RunOptions): StreamOptions {
  const { input } = options
  return {
    // A reader behind a pipe may stop for as long as it likes (`| less`); it never counts as gone.
    buffer: { stallTimeoutMs: Infinity },
    ...toRemoteOptions(options),
    ...(input !== undefined && { input }),
  }
}

/** What of the flags an execution knows, wherever it runs. */
function toRemoteOptions({
  schedule,
  concurrency,
  failFast,
  timeout,
}: RunOptions): Omit<RemoteOptions, 'onDisconnect'> {
  return {
    ...(schedule && { schedule }),
    ...(concurrency !== undefined && { maxConcurrency: concurrency }),
    ...(failFast && { onTaskError: 'fail-fast' as const }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
  }
}

/** What the tasks of the last layer made, strings as they are, the rest as JSON, so that it can be piped on. */
function renderOutputs({ results }: ExecutionResult, lastLayer: Followed['lastLayer'], isForPeople: boolean): string {
  // A reader that fell behind was told the state instead of the layers: then all of them.
  const last = lastLayer && new Set(lastLayer)
  const text = results
    .filter(({ taskId, status }) => status === 'success' && (last?.has(taskId) ?? true))
    .map(({ output }) => (typeof output === 'string' ? output : JSON.stringify(output, null, 2)))
    .map(output => (output.endsWith('\n') ? output : `${output}\n`))
    .join('')
  return isForPeople ? toPlainText(text) : text
}
