/** What an error response tells, beside its status. */
export interface ProblemDetails {
  /** What kind of problem it is, the same each time. */
  readonly title: string
  /** What went wrong this time, for people. Never the text of an unknown error. */
  readonly detail?: string
  /** Anything else a program may want to know (RFC 9457, 3.2), such as `issues`. */
  readonly [extension: string]: unknown
}

/**
 * An error response, RFC 9457: `application/problem+json` with `status`, `title` and whatever else is told.
 *
 * Without a `type` it is `about:blank`: the status says what it is.
 */
export function problem(status: number, details: ProblemDetails, headers?: HeadersInit): Response {
  const all = new Headers(headers)
  all.set('Content-Type', 'application/problem+json')
  return new Response(JSON.stringify({ ...details, status }), { status, headers: all })
}
