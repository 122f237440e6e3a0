import { MAX_PLAN_BYTES } from '../../engine/growth/plan-lines.ts'
import { bodyTooLarge } from './execution-request.ts'

const PLAN_TYPE = /^application\/x-ndjson\s*(?:;|$)/i

/** Whether the body is a plan that is still being written. */
export function isPlanRequest({ method, headers, url }: Request): boolean {
  return (
    method === 'POST' && PLAN_TYPE.test(headers.get('content-type') ?? '') && new URL(url).pathname === '/executions'
  )
}

/** @throws HttpProblem 413 for a stated length above the bound */
export function expectPlanLength({ headers }: Request): void {
  const length = headers.has('transfer-encoding') ? null : headers.get('content-length')
  if (length !== null && Number.parseInt(length, 10) > MAX_PLAN_BYTES) throw bodyTooLarge(MAX_PLAN_BYTES)
}
