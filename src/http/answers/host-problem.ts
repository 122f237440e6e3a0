import type { DagstreamError } from '../../errors.ts'
import { HttpProblem } from './problem.ts'

interface HostProblem {
  readonly title: string
  readonly status: number
  readonly code: string
  /** Delay before a retry may succeed, s. */
  readonly retryAfterS?: number
}

/** The answer to each error of a host. */
const HOST_PROBLEMS: readonly HostProblem[] = [
  { title: 'Not found', status: 404, code: 'EXECUTION_NOT_FOUND' },
  { title: 'Not found', status: 404, code: 'INPUT_NOT_FOUND' },
  { title: 'Unprocessable content', status: 422, code: 'UNKNOWN_TASK' },
  { title: 'Conflict', status: 409, code: 'INPUT_CLOSED' },
  { title: 'Conflict', status: 409, code: 'EXECUTION_ENDED' },
  { title: 'Conflict', status: 409, code: 'EXECUTION_RUNNING' },
  { title: 'Conflict', status: 409, code: 'INTERRUPTED' },
  { title: 'Conflict', status: 409, code: 'RECORD_UNUSABLE' },
  { title: 'Conflict', status: 409, code: 'IDEMPOTENCY_CONFLICT' },
  { title: 'Conflict', status: 409, code: 'PLAN_LINE_MISMATCH' },
  { title: 'Conflict', status: 409, code: 'PLAN_CONFLICT' },
  { title: 'Conflict', status: 409, code: 'PLAN_CLOSED' },
  { title: 'Conflict', status: 409, code: 'PLAN_BUSY', retryAfterS: 1 },
  { title: 'Conflict', status: 409, code: 'PLAN_ELSEWHERE', retryAfterS: 1 },
  { title: 'Too many requests', status: 429, code: 'TOO_MANY_EXECUTIONS', retryAfterS: 1 },
  { title: 'Too many requests', status: 429, code: 'TOO_MANY_SUBSCRIBERS', retryAfterS: 1 },
  { title: 'Service unavailable', status: 503, code: 'SHUTTING_DOWN', retryAfterS: 1 },
  { title: 'Service unavailable', status: 503, code: 'COORDINATOR_UNAVAILABLE', retryAfterS: 1 },
]

/** The problem that an error of the host is answered with; `undefined` for any other error. */
export function findHostProblem({ code, message: detail, details }: DagstreamError): HttpProblem | undefined {
  const known = HOST_PROBLEMS.find(each => each.code === code)
  if (known === undefined) return undefined
  const { title, status, retryAfterS } = known
  const { planLine, taskIds } = details
  const isLine = typeof planLine === 'number'
  const headers = {
    ...(retryAfterS !== undefined && { 'Retry-After': String(retryAfterS) }),
    ...(isLine && { 'Plan-Line': String(planLine) }),
  }
  return new HttpProblem(
    status,
    { title, detail, code, ...(isLine && { planLine }), ...(code === 'PLAN_CONFLICT' && { taskIds }) },
    headers,
  )
}
