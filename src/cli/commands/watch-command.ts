import { parseEventId } from '../../events/events.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { type CommandContext, type ExitCode, UsageError } from '../process/console.ts'
import { follow, toExitCode } from '../target/follow.ts'
import { RemoteSession } from '../target/remote-session.ts'
import type { ServerFlags } from '../target/server-connection.ts'
import { renderSummary } from '../render/summary.ts'

/** The flags of `watch`. */
export interface WatchOptions extends ServerFlags {
  /** The id of the event to resume after. */
  readonly after?: string
  readonly json?: true
  readonly sse?: true
}

/**
 * Follows an execution on a server, to its end.
 *
 * Ctrl-C, or a reader of `--sse` that leaves, detaches without cancelling; the command prints how to resume.
 * @throws UsageError for a malformed id; DagstreamError `HTTP_ERROR`, `CONNECTION_LOST`
 */
export async function watchCommand(
  executionId: string,
  options: WatchOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const { process, stdout, stderr, colors } = context
  const { after, json, sse } = options
  checkIds(executionId, after)
  const session = new RemoteSession(options)
  try {
    const { result } = await follow(
      {
        ...(sse && { sse }),
        isPartial: after !== undefined,
        begin: viewer => session.watch(executionId, after, process, viewer),
      },
      context,
    )
    if (json) await stdout.write(`${stringifyJson(result)}\n`)
    if (!stdout.isClosed) await stderr.write(renderSummary(result, colors))
    return stdout.error && !stdout.isClosed ? 1 : toExitCode(result)
  } catch (error) {
    if (!session.hasLeftWith(error)) return session.endAfter(error, context)
    const resume = session.describeResume(process) as string
    if (!stdout.isClosed) await stderr.write(`Detached; nothing was cancelled. To continue from here:\n  ${resume}\n`)
    return 130
  }
}

/** @throws UsageError for a malformed execution id, or an event id that is not of this execution */
export function checkIds(executionId: string, after?: string): void {
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(executionId)) {
    throw new UsageError('Expected the id of an execution: 1–128 letters, digits, `_` and `-`')
  }
  if (after !== undefined && parseEventId(after)?.executionId !== executionId) {
    throw new UsageError(`Expected --after to be the id of an event of ${executionId}: \`${executionId}.<number>\``)
  }
}
