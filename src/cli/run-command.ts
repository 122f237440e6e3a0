import type { Schedule } from '../events/events.ts'
import type { ExecutionResult } from '../execute/execution-result.ts'
import type { Execution } from '../execute/execution.ts'
import { type StreamOptions, StreamingExecutor } from '../execute/streaming-executor.ts'
import { compileWorkflow } from '../plan/compile.ts'
import { encode } from '../sse/encode.ts'
import type { DAGStructure } from '../workflow/document.ts'
import type { CommandContext, ExitCode } from './console.ts'
import { hintsFor } from './hints.ts'
import { loadTools } from './load-tools.ts'
import { readWorkflow } from './read-workflow.ts'
import { renderSummary } from './summary.ts'
import { toPlainText } from './text.ts'
import { createViewer, type Viewer } from './viewer.ts'

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
  readonly json?: true
  readonly sse?: true
}

/**
 * Runs a workflow: the result goes to stdout, what people follow it by to stderr.
 *
 * Ctrl-C cancels and waits for the end; a second one exits at once. A reader of `--sse` that leaves cancels, at the next write.
 * @throws DagstreamError `INVALID_WORKFLOW`, before anything has started
 */
export async function runCommand(file: string, options: RunOptions, context: CommandContext): Promise<ExitCode> {
  const { process, stdout, stderr, colors } = context
  const workflow = (await readWorkflow(file, process)) as DAGStructure
  const tools = await loadTools(options.tools, process.cwd)
  const plan = compileWorkflow(workflow, tools)
  const execution = new StreamingExecutor(tools).stream(plan, toStreamOptions(options))
  const viewer = options.sse && stdout.stream.isTTY ? silent : createViewer(context)
  const stopListening = listenForInterrupts(execution, viewer, context)
  // A tool may wait for something that keeps no process alive; the execution does.
  const alive = setInterval(() => {}, 60_000)
  let result: ExecutionResult
  try {
    for await (const event of execution) {
      if (options.sse && !(await stdout.write(encode(event)))) {
        execution.cancel(stdout.isClosed ? 'The reader of the events has left' : 'The events cannot be written')
      }
      await viewer.show(event)
    }
    result = await execution.result
  } finally {
    viewer.close()
    clearInterval(alive)
    stopListening()
  }

  if (options.json) await stdout.write(`${JSON.stringify(result)}\n`)
  if (!stdout.isClosed) await stderr.write(renderSummary(result, colors))
  if (!options.json && !options.sse) {
    await stdout.write(renderOutputs(result, plan.layers.at(-1) ?? [], stdout.stream.isTTY === true))
    await stderr.write(hintsFor(file, process.cwd))
  }
  // A full disk is no cancellation, though it led to one.
  return stdout.error && !stdout.isClosed ? 1 : toExitCode(result)
}

/** For events on a terminal: a tree beside them would tear them apart. */
const silent: Viewer = { show() {}, say() {}, close() {} }

function toStreamOptions(options: RunOptions): StreamOptions {
  const { schedule, concurrency, failFast, timeout, input } = options
  return {
    // A reader behind a pipe may stop for as long as it likes (`| less`); it never counts as gone.
    buffer: { stallTimeoutMs: Infinity },
    ...(schedule && { schedule }),
    ...(concurrency !== undefined && { maxConcurrency: concurrency }),
    ...(failFast && { onTaskError: 'fail-fast' as const }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(input !== undefined && { input }),
  }
}

/** @returns what stops it */
function listenForInterrupts(execution: Execution, viewer: Viewer, { process }: CommandContext): () => void {
  let isCancelling = false
  return process.onInterrupt(() => {
    if (isCancelling) return process.exit(130)
    isCancelling = true
    void viewer.say('Cancelling; press Ctrl-C again to exit at once')
    execution.cancel('Interrupted')
  })
}

/** What the tasks of the last layer made, strings as they are, the rest as JSON, so that it can be piped on. */
function renderOutputs({ results }: ExecutionResult, lastLayer: readonly string[], isForPeople: boolean): string {
  const last = new Set(lastLayer)
  const text = results
    .filter(({ taskId, status }) => status === 'success' && last.has(taskId))
    .map(({ output }) => (typeof output === 'string' ? output : JSON.stringify(output, null, 2)))
    .map(output => (output.endsWith('\n') ? output : `${output}\n`))
    .join('')
  return isForPeople ? toPlainText(text) : text
}

function toExitCode({ status, reason }: ExecutionResult): ExitCode {
  if (status === 'success') return 0
  return reason?.code === 'CANCELLED' ? 130 : 1
}
