import type { ExecutionResult } from '../../engine/execution-result.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { type Followed, toExitCode } from '../target/follow.ts'
import { renderSummary } from './summary.ts'
import { toPlainText } from './text.ts'

/** What standard output is for: the result, the events, or else the outputs of the last layer. */
export interface OutputFlags {
  readonly json?: true
  readonly sse?: true
}

/** Tells how an execution ended that was run or taken up again. */
export async function reportEnd(
  { result, lastLayer }: Followed,
  { json, sse }: OutputFlags,
  { stdout, stderr, colors }: CommandContext,
): Promise<ExitCode> {
  if (json) await stdout.write(`${stringifyJson(result)}\n`)
  if (!stdout.isClosed) await stderr.write(renderSummary(result, colors))
  if (!json && !sse) await stdout.write(renderOutputs(result, lastLayer, stdout.stream.isTTY === true))
  // A full disk is no cancellation, though it led to one.
  return stdout.error && !stdout.isClosed ? 1 : toExitCode(result)
}

/** What the tasks of the last layer made, strings as they are, the rest as JSON, so that it can be piped on. */
function renderOutputs({ results }: ExecutionResult, lastLayer: Followed['lastLayer'], isForPeople: boolean): string {
  // A reader that fell behind was told the state instead of the layers: then all of them.
  const last = lastLayer && new Set(lastLayer)
  const text = results
    .filter(({ taskId, status }) => status === 'success' && (last?.has(taskId) ?? true))
    .map(({ output }) => (typeof output === 'string' ? output : stringifyJson(output, 2)))
    .map(output => (output.endsWith('\n') ? output : `${output}\n`))
    .join('')
  return isForPeople ? toPlainText(text) : text
}
