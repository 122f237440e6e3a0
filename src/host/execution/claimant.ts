import { DagstreamError } from '../../errors.ts'

/** The key under which a request may be repeated, and the hash that distinguishes it from another request. */
export interface RepeatClaim {
  readonly idempotencyKey?: string
  /** SHA-256 of the request, hex. */
  readonly requestHash?: string
}

/** The owner of an execution, and the key under which the owner may ask for it again. */
export interface Claimant extends RepeatClaim {
  readonly owner?: string
}

/** Whether both have the same owner and the same key. Claimants without a key never match. */
export function isRepeat(a: Claimant, b: Claimant): boolean {
  return a.idempotencyKey !== undefined && a.idempotencyKey === b.idempotencyKey && a.owner === b.owner
}

/** @throws `IDEMPOTENCY_CONFLICT` where the key belongs to another request */
export function expectRepeat({ requestHash }: RepeatClaim, known: RepeatClaim): void {
  if (known.requestHash === requestHash) return
  const message = 'This `Idempotency-Key` was used for another request; repeat that request unchanged, or use a new key'
  throw new DagstreamError('IDEMPOTENCY_CONFLICT', message)
}
