import { parseEventId } from '../../events/events.ts'
import { readTraceparent } from '../../engine/resume/recorded-options.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { badRequest, HttpProblem } from '../answers/problem.ts'
import { describePlanLine } from '../answers/plan-line.ts'
import { describeTrace } from '../answers/trace-headers.ts'
import type { ExecutionResponses } from './execution-responses.ts'
import { chooseFormat } from './stream-format.ts'

/**
 * Streams an execution after an event; answers `204` if it has ended and no event follows.
 * @param after the id of the event; `null` or absent: from the first event
 * @param release releases the subscriber, if it was admitted before
 * @throws HttpProblem 400 for an id that is malformed or of another execution
 */
export function streamAfter(
  responses: ExecutionResponses,
  request: Request,
  hosted: HostedExecution,
  after?: string | null,
  release?: () => void,
): Response {
  // A protocol has no cursors: its clients take a run from its begin.
  if (typeof chooseFormat(request) === 'object') {
    return responses.streamEvents(request, hosted, { afterSeq: 0, headers: identify(hosted), release })
  }
  const seq = after === undefined || after === null ? 0 : parseCursor(after, hosted.executionId)
  if (!hosted.hasEnded || seq !== hosted.log.head) {
    return responses.streamEvents(request, hosted, { afterSeq: seq, headers: identify(hosted), release })
  }
  // If the events were sent again, an `EventSource` would reconnect for ever.
  return new Response(null, { status: 204, headers: identify(hosted) })
}

/** Headers that identify the execution before the first event. */
export function identify(hosted: HostedExecution): Record<string, string> {
  const { executionId, record } = hosted
  const trace = describeTrace(readTraceparent(record.options))
  return { Location: `/executions/${executionId}`, 'Execution-Id': executionId, ...describePlanLine(hosted), ...trace }
}

/** @throws HttpProblem 400 for a malformed id, or one of another execution */
function parseCursor(text: string, executionId: string): number {
  const place = parseEventId(text)
  return place?.executionId === executionId ? place.seq : refuseCursor(text)
}

export function refuseCursor(text: string): never {
  const found = parseEventId(text) === undefined ? 'another text' : 'the id of another execution'
  throw badRequest(
    `Expected the last event id to be <executionId>.<seq> of this execution, got ${found}`,
    'INVALID_EVENT_ID',
  )
}

export function notAcceptable(what: string): HttpProblem {
  return new HttpProblem(406, { title: 'Not acceptable', detail: `Accept ${what}` }, { Vary: 'Accept' })
}
