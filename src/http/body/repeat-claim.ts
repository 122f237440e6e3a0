import type { RepeatClaim } from '../../host/execution/claimant.ts'
import { badRequest } from '../answers/problem.ts'
import type { JsonBody } from './execution-request.ts'

/** @throws HttpProblem 400 for an invalid key */
function parseIdempotencyKey(request: Request): string | undefined {
  const key = request.headers.get('idempotency-key')
  if (key === null || /^[\x21-\x7e]{1,255}$/.test(key)) return key ?? undefined
  throw badRequest('Expected `Idempotency-Key` to be 1–255 visible ASCII characters')
}

/** Derives an id from the key of a request, equal for repetitions. @throws HttpProblem 400 for an invalid key */
export async function parseRequestId(request: Request): Promise<string | undefined> {
  const key = parseIdempotencyKey(request)
  return key === undefined ? undefined : (await hash(encode(key))).slice(0, 32)
}

/** The claim of a plan: its key alone identifies it. @throws HttpProblem 400 for an invalid key */
export async function parsePlanClaim(request: Request): Promise<RepeatClaim> {
  const idempotencyKey = parseIdempotencyKey(request)
  // JSON contains no NUL: a key of a plan is refused for a document.
  return idempotencyKey === undefined ? {} : { idempotencyKey, requestHash: await hash(encode('plan\0')) }
}

/** @param workflow the registered one in the path @throws HttpProblem 400 for an invalid key */
export async function parseRepeatClaim(request: Request, { bytes }: JsonBody, workflow?: string): Promise<RepeatClaim> {
  const idempotencyKey = parseIdempotencyKey(request)
  if (idempotencyKey === undefined) return {}
  // JSON contains no NUL, so that no bare body has the hash of a request for a registered workflow.
  const path = workflow === undefined ? [] : [encode(`${workflow}\0`)]
  const requestHash = await hash(await new Blob([...path, bytes]).arrayBuffer())
  return { idempotencyKey, requestHash }
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text)
}

async function hash(bytes: ArrayBuffer | Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, byte => byte.toString(16).padStart(2, '0')).join('')
}
