import type { ExecutionResult } from '../../engine/execution-result.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { type Followed, toExitCode } from '../target/follow.ts'
import { renderSummary } from './summary.ts'
import { toPlainText } from './text.ts'

/** Content of standard output: the result, the events, or by default the output of the workflow, or those of its last layer. */
export interface OutputFlags {
  readonly json?: true
  readonly sse?: true
}

/** Reports the end of an execution that was run or resumed. */
export async function reportEnd(
  { result, lastLayer }: Followed,
  { json, sse }: OutputFlags,
  { stdout, stderr, colors }: CommandContext,
): Promise<ExitCode> {
  if (json) await stdout.write(`${stringifyJson(result)}\n`)
  if (!stdout.isClosed) await stderr.write(renderSummary(result, colors))
  if (!json && !sse) await stdout.write(renderOutputs(result, lastLayer, stdout.stream.isTTY === true))
  // A full disk is a failure (1) although it caused a cancellation.
  return stdout.error && !stdout.isClosed ? 1 : toExitCode(result)
}

/** Renders the output of the workflow, or those of its last layer: strings raw, the rest as JSON, suitable for a pipe. */
function renderOutputs(result: ExecutionResult, lastLayer: Followed['lastLayer'], isForPeople: boolean): string {
  const { results, output, outputError } = result
  if (outputError !== undefined) return ''
  if (output !== undefined) return renderOutput(output, isForPeople)
  // A reader that fell behind received a snapshot without layers: print all outputs.
  const last = lastLayer && new Set(lastLayer)
  return results
    .filter(({ taskId, status }) => status === 'success' && (last?.has(taskId) ?? true))
    .map(task => renderOutput(task.output, isForPeople))
    .join('')
}

function renderOutput(output: unknown, isForPeople: boolean): string {
  const text = typeof output === 'string' ? output : stringifyJson(output, 2)
  const lines = text.endsWith('\n') ? text : `${text}\n`
  return isForPeople ? toPlainText(lines) : lines
}
