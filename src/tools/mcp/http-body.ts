import { MAX_MESSAGE_BYTES } from './process-transport.ts'

/** Whether a response has a media type, whatever its parameters. */
export function isOfType(response: Response, type: string): boolean {
  return (response.headers.get('content-type') ?? '').split(';', 1)[0]?.trim().toLowerCase() === type
}

/** A response whose body breaks at the bound of a message. */
export function boundBody(response: Response): Response {
  if (response.body === null) return response
  const { status, statusText, headers } = response
  return new Response(response.body.pipeThrough(countBytes()), { status, statusText, headers })
}

/** The body as text. @returns rejects where it breaks off, or is longer than a message may be */
export async function readText(response: Response): Promise<string> {
  return await boundBody(response).text()
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
