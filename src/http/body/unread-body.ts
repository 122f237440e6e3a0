import { systemClock } from '../../clock.ts'
import { findCarrier } from './carrier.ts'

/** Bounds of the part of a body that is read and discarded before a refusal, bytes and ms. */
const MAX_BYTES = 16 * 1024 * 1024
const MAX_MS = 5000

/** Requests whose body was read in part. */
const partlyRead = new WeakSet<Request>()

/** Marks a request whose body was read in part and is not locked. */
export function markPartlyRead(request: Request): void {
  partlyRead.add(request)
}

/**
 * Delays a refusal until the rest of the request's body has been read and discarded, within bounds. Applies only to requests
 * from an adapter such as `@hono/node-server`.
 *
 * An adapter closes a connection soon after an answer that precedes the end of its request. A client that is still sending
 * would get a reset instead of the answer.
 */
export async function readBeforeRefusal(request: Request, response: Response): Promise<Response> {
  // Other answers may be streams, which must start at once.
  if (response.status < 400 || findCarrier(request) !== undefined || !isStandIn(request)) return response
  if (request.bodyUsed && !partlyRead.has(request)) return response
  const { body } = request
  if (body === null || body.locked) return response
  const reader = body.getReader()
  let isLate = false
  const stopTimer = systemClock.after(MAX_MS, () => {
    isLate = true
    // The pending read rejects.
    reader.releaseLock()
  })
  try {
    for (let bytes = 0; bytes <= MAX_BYTES; ) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.length
    }
  } catch {
    // The client has disconnected, or the time is over: answer anyway.
  } finally {
    stopTimer()
    if (!isLate) reader.releaseLock()
  }
  return response
}

/** Whether a request was made by an adapter: those are not made by the constructor of `Request`. */
export function isStandIn(request: Request): boolean {
  return Object.getPrototypeOf(request) !== Request.prototype
}
