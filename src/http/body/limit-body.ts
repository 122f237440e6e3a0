import { LIMITS } from '../../workflow/document.ts'
import { bodyTooLarge } from './execution-request.ts'
import { expectPlanLength, isPlanRequest } from './plan-type.ts'
import { badRequest } from '../answers/problem.ts'
import { markPartlyRead } from './unread-body.ts'

/**
 * Bounds the body of a request. @returns the same request if it states its length, or is a plan, whose reader bounds it; else
 * one with the body that was read
 * @throws HttpProblem 413 above the bound, with the rest left unread; 400 for a truncated body
 */
export async function limitBody(request: Request): Promise<Request> {
  if (isPlanRequest(request)) {
    expectPlanLength(request)
    return request
  }
  const { headers, body } = request
  const length = headers.has('transfer-encoding') ? null : headers.get('content-length')
  if (length !== null) {
    if (Number.parseInt(length, 10) > LIMITS.maxBodyBytes) throw bodyTooLarge()
    return request
  }
  if (body === null) return request
  markPartlyRead(request)
  return new Request(request, { method: request.method, body: await readWithin(body) })
}

async function readWithin(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader()
  try {
    let bytes = new Uint8Array(0)
    let size = 0
    for (;;) {
      const { done, value } = await read(reader)
      if (done) return bytes.subarray(0, size)
      if (size + value.length > LIMITS.maxBodyBytes) throw bodyTooLarge()
      if (size + value.length > bytes.length) {
        const grown = new Uint8Array(Math.min(LIMITS.maxBodyBytes, Math.max(size + value.length, bytes.length * 2)))
        grown.set(bytes.subarray(0, size))
        bytes = grown
      }
      bytes.set(value, size)
      size += value.length
    }
  } finally {
    reader.releaseLock()
  }
}

/** Reads a body. @throws HttpProblem 400 if its client disconnects before its end */
async function read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<ReadableStreamReadResult<Uint8Array>> {
  try {
    return await reader.read()
  } catch {
    throw badRequest('The body could not be read')
  }
}
