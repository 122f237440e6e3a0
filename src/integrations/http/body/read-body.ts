import type { Readable } from 'node:stream'
import { BodyCodingError, createUnpackers, type Stage } from './unpack.ts'

/** What packing may add to bytes that it cannot make smaller. */
const PACKING_SLACK = 64 * 1024

/** The body, packed or unpacked, is larger than allowed. */
export class BodyTooLargeError extends Error {
  override readonly name: string = 'BodyTooLargeError'
}

/**
 * Reads a body to its end, unpacked. However well it is packed, no more than `maxBytes` and a chunk are ever held, of gzip
 * also what it was unpacked from.
 *
 * @param body has a listener for its errors, since destroying it may be one
 * @param coding the value of `Content-Encoding`
 * @throws `BodyTooLargeError`, `BodyCodingError`, or what the connection fails with; nothing is read any more then
 */
export async function readBody(body: Readable, coding: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of unpackBody(body, createUnpackers(coding, maxBytes), maxBytes)) {
      size += chunk.byteLength
      if (size > maxBytes) throw new BodyTooLargeError()
      chunks.push(chunk)
    }
  } catch (error) {
    body.destroy()
    // The codes of zlib: `Z_DATA_ERROR`, `ERR__ERROR_FORMAT_…`, `ERR_BROTLI_…`, `ZSTD_error_…`.
    const { code = '' } = error as { code?: unknown }
    if (code === 'ERR_BUFFER_TOO_LARGE') throw new BodyTooLargeError()
    if (!/^(?:Z_|ERR__|ERR_BROTLI|ERR_ZSTD|ZSTD_)/.test(String(code))) throw error
    throw new BodyCodingError(`it is not ${coding}, or was cut`, { cause: error })
  }
  return Buffer.concat(chunks)
}

/** The first bytes of a body, of which the rest is not read; nothing where it cannot be read. */
export async function readBeginning(body: Readable, coding: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of unpackBody(body, createUnpackers(coding, maxBytes), Infinity)) {
      chunks.push(chunk)
      size += chunk.byteLength
      if (size >= maxBytes) break
    }
  } catch {
    // What there is has been read; the caller has an error of its own to tell.
  }
  body.destroy()
  return Buffer.concat(chunks).subarray(0, maxBytes)
}

/** Bytes that unpack to nothing would otherwise be read for ever, so what goes into each stage is bounded too. */
function unpackBody(body: Readable, stages: readonly Stage[], maxBytes: number): AsyncIterable<Buffer> {
  let source: AsyncIterable<Buffer> = body
  for (const unpack of stages) source = unpack(bound(source, maxBytes + PACKING_SLACK))
  return source
}

async function* bound(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer, void, undefined> {
  let size = 0
  for await (const chunk of source) {
    size += chunk.byteLength
    if (size > maxBytes) throw new BodyTooLargeError()
    yield chunk
  }
}
