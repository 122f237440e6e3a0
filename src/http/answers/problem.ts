import type { DagstreamError } from '../../errors.ts'
import type { ResponseIssue } from '../../tools/question.ts'
import type { WorkflowIssue } from '../../workflow/document.ts'
import { cutText } from '../../text.ts'

/** The members of an error response beside its status. */
export interface ProblemDetails {
  /** The kind of problem; constant for a kind. */
  readonly title: string
  /** What went wrong in this case, for people. Never the text of an unknown error. */
  readonly detail?: string
  /** Extension members (RFC 9457, 3.2), such as `issues`. */
  readonly [extension: string]: unknown
}

/**
 * An error response, RFC 9457: `application/problem+json` with `status`, `title` and further members.
 *
 * A missing `type` means `about:blank`: the status alone identifies the problem.
 */
export function problem(status: number, details: ProblemDetails, headers?: HeadersInit): Response {
  const all = new Headers(headers)
  all.set('Content-Type', 'application/problem+json')
  return new Response(JSON.stringify({ ...details, status }), { status, headers: all })
}

/**
 * The answer to an invalid workflow or input, with every problem in `issues`. @param error with the code `INVALID_WORKFLOW`
 */
export function invalidWorkflow({ code, details, message }: DagstreamError, headers?: HeadersInit): Response {
  const [first] = details['issues'] as readonly WorkflowIssue[]
  const detail = first ? `${first.code} at ${first.pointer || 'the document'}: ${first.message}` : message
  return problem(422, { title: 'Invalid workflow', detail, code, ...details }, headers)
}

/** The answer to a response that does not fit its question. It does not repeat the response. @param error with the code `INVALID_RESPONSE` */
export function invalidResponse({ code, details, message }: DagstreamError): Response {
  const found = details['issues'] as readonly ResponseIssue[]
  const issues = found.map(({ pointer, message: fault }) => ({ code, pointer, message: fault }))
  return problem(422, { title: 'Invalid response', detail: message, code, issues, issueCount: issues.length })
}

/** Delay before a client requests unavailable tools again, s. */
const TOOLS_RETRY_S = 5

/**
 * The answer when tools are unavailable. It names the missing servers but not the causes, which may contain their output.
 * @param error with the code `TOOLS_UNAVAILABLE`
 */
export function toolsUnavailable({ code, details }: DagstreamError, reference: string): Response {
  const listed: readonly unknown[] = Array.isArray(details['servers']) ? details['servers'] : []
  const names = listed
    .map(server => (server as { readonly name?: unknown } | null)?.name)
    .filter(name => typeof name === 'string')
    .slice(0, 20)
  const whose = names.length === 0 ? '' : ` of ${names.map(name => `\`${cutText(name, 100)}\``).join(', ')}`
  const detail = `The tools${whose} are not available; the log has the cause under this reference`
  const members = { title: 'Service unavailable', detail, code, servers: names, reference }
  return problem(503, members, { 'Retry-After': String(TOOLS_RETRY_S) })
}

/** Ends the handling of a request with an error response. */
export class HttpProblem extends Error {
  override readonly name: string = 'HttpProblem'
  readonly status: number
  readonly details: ProblemDetails
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, details: ProblemDetails, headers: Readonly<Record<string, string>> = {}) {
    super(details.detail ?? details.title)
    this.status = status
    this.details = details
    this.headers = headers
  }

  toResponse(): Response {
    return problem(this.status, this.details, this.headers)
  }
}

/** 400: the request is malformed or asks for something that is not allowed. */
export function badRequest(detail: string, code = 'INVALID_REQUEST'): HttpProblem {
  return new HttpProblem(400, { title: 'Bad request', detail, code })
}

/** 404: the resource does not exist or has another owner; the two must be indistinguishable. */
export function notFound(detail: string, code = 'NOT_FOUND'): HttpProblem {
  return new HttpProblem(404, { title: 'Not found', detail, code })
}
