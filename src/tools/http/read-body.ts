import type { Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

/** What packing may add to bytes that it cannot make smaller. */
const PACKING_SLACK = 64 * 1024

/** The body, packed or unpacked, is larger than allowed. */
export class BodyTooLargeError extends Error {
  override readonly name: string = 'BodyTooLargeError'
}

/** The body is packed in a way that is not known, or is not what its coding says. */
export class BodyCodingError extends Error {
  override readonly name: string = 'BodyCodingError'
}

/**
 * Reads a body to its end, unpacked. However well it is packed, no more than `maxBytes` and a chunk are ever held.
 *
 * @param body has a listener for its errors, since destroying it may be one
 * @param coding the value of `Content-Encoding`
 * @throws `BodyTooLargeError`, `BodyCodingError`, or what the connection fails with; nothing is read any more then
 */
export async function readBody(body: Readable, coding: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    let size = 0
    for await (const chunk of source) {
      size += chunk.byteLength
      if (size > maxBytes) throw new BodyTooLargeError()
      chunks.push(chunk)
    }
  }
  let unpack: Transform | undefined
  try {
    unpack = createUnpacker(coding)
  } catch (error) {
    body.destroy()
    throw error
  }
  if (unpack === undefined) {
    await pipeline(body, collect)
  } else {
    try {
      await pipeline(body, bound(maxBytes + PACKING_SLACK), unpack, collect)
    } catch (error) {
      // The codes of zlib: `Z_DATA_ERROR`, `ERR__ERROR_FORMAT_…`, `ERR_BROTLI_…`.
      const { code = '' } = error as { code?: unknown }
      if (!/^(?:Z_|ERR__|ERR_BROTLI)/.test(String(code))) throw error
      throw new BodyCodingError(`it is not ${coding}, or was cut`, { cause: error })
    }
  }
  return Buffer.concat(chunks)
}

/** The first bytes of a body, of which the rest is not read; nothing where it cannot be read. */
export async function readBeginning(body: Readable, coding: string, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) {
      chunks.push(chunk)
      size += chunk.byteLength
      if (size >= maxBytes) return
    }
  }
  try {
    const unpack = createUnpacker(coding)
    await (unpack === undefined ? pipeline(body, collect) : pipeline(body, unpack, collect))
  } catch {
    // What there is has been read; the caller has an error of its own to tell.
  }
  body.destroy()
  return Buffer.concat(chunks).subarray(0, maxBytes)
}

/** Bytes that unpack to nothing would otherwise be read for ever. */
function bound(maxBytes: number): (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer> {
  return async function* (source) {
    let size = 0
    for await (const chunk of source) {
      size += chunk.byteLength
      if (size > maxBytes) throw new BodyTooLargeError()
      yield chunk
    }
  }
}

/** `undefined` for what is not packed. */
function createUnpacker(coding: string): Transform | undefined {
  switch (coding.trim().toLowerCase()) {
    case '':
    case 'identity':
      return undefined
    case 'gzip':
    case 'x-gzip':
      return createGunzip()
    case 'br':
      return createBrotliDecompress()
    case 'deflate':
      return createInflate()
    default:
      // Among them several at once, which no server needs and bombs use.
      throw new BodyCodingError('its content coding is not known')
  }
}
