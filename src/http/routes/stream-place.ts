import { parseEventId } from '../../events/events.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { badRequest, HttpProblem } from '../answers/problem.ts'
import type { ExecutionResponses } from './execution-responses.ts'

/**
 * The stream of an execution from behind an event, or `204` if it has ended and nothing is left.
 * @param after the id of the event; `null` or absent: from the first one
 * @param release releases the place of a reader that was admitted already
 * @throws HttpProblem 400 for an id that is malformed or of another execution
 */
export function streamAfter(
  responses: ExecutionResponses,
  request: Request,
  hosted: HostedExecution,
  after?: string | null,
  release?: () => void,
): Response {
  const seq = after === undefined || after === null ? 0 : parseCursor(after, hosted.executionId)
  if (!hosted.hasEnded || seq !== hosted.log.head) {
    return responses.streamEvents(request, hosted, { afterSeq: seq, headers: identify(hosted), release })
  }
  // Said once more, an `EventSource` would come back for ever.
  return new Response(null, { status: 204, headers: identify(hosted) })
}

/** What tells a client, before any event, what to come back to. */
export function identify({ executionId }: HostedExecution): Record<string, string> {
  return { Location: `/executions/${executionId}`, 'Execution-Id': executionId }
}

/** @throws HttpProblem 400 for what is malformed or of another execution */
function parseCursor(text: string, executionId: string): number {
  const place = parseEventId(text)
  return place?.executionId === executionId ? place.seq : refuseCursor(text)
}

export function refuseCursor(text: string): never {
  const what = parseEventId(text) === undefined ? 'is not an event id' : 'belongs to another execution'
  throw badRequest(`What the stream is to go on from ${what}; expected <executionId>.<seq>`, 'INVALID_EVENT_ID')
}

export function notAcceptable(what: string): HttpProblem {
  return new HttpProblem(406, { title: 'Not acceptable', detail: `Accept ${what}` }, { Vary: 'Accept' })
}
