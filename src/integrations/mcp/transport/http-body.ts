import { MAX_MESSAGE_BYTES } from './message-bounds.ts'

/** Whether a response has a media type, whatever its parameters. */
export function isOfType(response: Response, type: string): boolean {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() === type
}

/** A response whose body fails beyond the size of a message. */
export function boundBody(response: Response): Response {
  if (response.body === null) return response
  const { status, statusText, headers } = response
  return new Response(response.body.pipeThrough(countBytes()), { status, statusText, headers })
}

/** The body as text. @returns rejects when it is truncated, or exceeds the size of a message */
export async function readText(response: Response): Promise<string> {
  return await boundBody(response).text()
}

/** A stream of events in the place of a body that was read here; it keeps the session id. @param body no events by default */
export function createEventResponse({ headers }: Response, body: ReadableStream<Uint8Array> | '' = ''): Response {
  const session = headers.get('mcp-session-id')
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream', ...(session !== null && { 'mcp-session-id': session }) },
  })
}

function countBytes(): TransformStream<Uint8Array, Uint8Array> {
  let byteCount = 0
  return new TransformStream({
    transform(chunk, out) {
      byteCount += chunk.byteLength
      if (byteCount > MAX_MESSAGE_BYTES)
        throw new Error(`A message of more than ${MAX_MESSAGE_BYTES / 1024 / 1024} MiB`)
      out.enqueue(chunk)
    },
  })
}
