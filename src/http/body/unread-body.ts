import { systemClock } from '../../clock.ts'

/** Bounds of what is read and dropped of a body before a refusal, bytes and ms. */
const MAX_BYTES = 16 * 1024 * 1024
const MAX_MS = 5000

/** Requests whose server reads on behind the answer. */
const tended = new WeakSet<Request>()

/** Requests of which a part of the body was read. */
const partlyRead = new WeakSet<Request>()

/** Says that the reader of a body has left off before its end, and holds no lock. */
export function markPartlyRead(request: Request): void {
  partlyRead.add(request)
}

/** Says that a request need not be read to its end before it is refused. */
export function markTended(request: Request): void {
  tended.add(request)
}

/**
 * Holds a refusal back until the rest of the request's body has been read and dropped, within bounds, where an adapter serves
 * it, such as that of `@hono/node-server`.
 *
 * Adapters close a connection soon after an answer that came before the end of its request. A client that still sends then
 * gets a reset instead of the answer.
 */
export async function readBeforeRefusal(request: Request, response: Response): Promise<Response> {
  // An answer that is no refusal may be a stream, which starts at once.
  if (response.status < 400 || tended.has(request) || !isStandIn(request)) return response
  if (request.bodyUsed && !partlyRead.has(request)) return response
  const { body } = request
  if (body === null || body.locked) return response
  const reader = body.getReader()
  let isLate = false
  const stopTimer = systemClock.after(MAX_MS, () => {
    isLate = true
    // The read that is pending rejects.
    reader.releaseLock()
  })
  try {
    for (let bytes = 0; bytes <= MAX_BYTES; ) {
      const { done, value } = await reader.read()
      if (done) break
      bytes += value.length
    }
  } catch {
    // The client has left, or the time is over: the answer stands.
  } finally {
    stopTimer()
    if (!isLate) reader.releaseLock()
  }
  return response
}

/** Adapters make objects in place of requests; a platform, and a program, call the constructor. */
function isStandIn(request: Request): boolean {
  return Object.getPrototypeOf(request) !== Request.prototype
}
