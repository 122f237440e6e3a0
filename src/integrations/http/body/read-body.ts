import type { Readable } from 'node:stream'
import { BodyCodingError, createUnpackers, type Stage } from './unpack.ts'

/** Overhead of compression on incompressible data, bytes. */
const PACKING_SLACK = 64 * 1024

/** The body, compressed or decompressed, exceeds its bound. */
export class BodyTooLargeError extends Error {
  override readonly name: string = 'BodyTooLargeError'
}

/**
 * Reads and decompresses a body to its end. Memory is bounded by `maxBytes` plus one chunk at any compression ratio, for gzip
 * also the compressed bytes.
 *
 * @param body must have an `error` listener, since destroying it may emit one
 * @param coding the value of `Content-Encoding`
 * @throws `BodyTooLargeError`, `BodyCodingError`, or the failure of the connection; reading has stopped by then
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
    throw new BodyCodingError(`it is not ${coding}, or was truncated`, { cause: error })
  }
  return Buffer.concat(chunks)
}

/** The first bytes of a body, whose rest is not read; empty if it cannot be read. */
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
    // The bytes so far suffice: the caller reports an error of its own.
  }
  body.destroy()
  return Buffer.concat(chunks).subarray(0, maxBytes)
}

/** Bounds the input of each stage too: bytes that decompress to nothing would otherwise be read endlessly. */
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
