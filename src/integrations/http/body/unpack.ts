import type { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as zlib from 'node:zlib'
import { gunzipMembers } from './gzip-members.ts'

/** Maximum number of codings per body, as in `fetch` and curl. */
const MAX_CODINGS = 5

/** The body has an unknown coding, or does not match its coding. */
export class BodyCodingError extends Error {
  override readonly name: string = 'BodyCodingError'
}

/** A transformation of a byte stream. */
export type Stage = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>

/**
 * The decompression stages of a body, in order; empty for an uncompressed one.
 * @param coding the value of `Content-Encoding`: a list in the order of compression
 * @param maxBytes bound of the decompressed body, and of the data examined after gzip
 * @throws `BodyCodingError` for an unknown coding
 */
export function createUnpackers(coding: string, maxBytes: number): Stage[] {
  const names = coding
    .split(',')
    .map(name => name.trim().toLowerCase())
    .filter(name => name !== '' && name !== 'identity')
  if (names.length > MAX_CODINGS) throw new BodyCodingError(`it has more than ${MAX_CODINGS} content codings`)
  return names.toReversed().map(name => createUnpacker(name, maxBytes))
}

function createUnpacker(name: string, maxBytes: number): Stage {
  switch (name) {
    case 'gzip':
    case 'x-gzip':
      return source => gunzip(source, maxBytes)
    case 'br':
      return source => unpack(source, () => zlib.createBrotliDecompress())
    case 'deflate':
    case 'x-deflate':
      return source => unpack(source, first => (isZlib(first) ? zlib.createInflate() : zlib.createInflateRaw()))
    case 'zstd':
      if (createZstd !== undefined) return source => unpack(source, createZstd)
  }
  throw new BodyCodingError('its content coding is not known')
}

/** Missing in some versions of Node. */
const createZstd = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress

/** RFC 9110, 8.4.1.2: `deflate` is zlib; some servers omit its header (RFC 1950, 2.2). */
function isZlib(first: Buffer): boolean {
  const [method = 0, flags] = first
  return (method & 0x0f) === 8 && (flags === undefined || (method * 256 + flags) % 31 === 0)
}

/** A body of zero bytes is empty, whatever its coding: some servers omit the empty frame. */
async function* unpack(
  source: AsyncIterable<Buffer>,
  create: (first: Buffer) => Transform,
): AsyncGenerator<Buffer, void, undefined> {
  const chunks = source[Symbol.asyncIterator]()
  let first: Buffer | undefined
  while (first === undefined || first.byteLength === 0) {
    const { done, value } = await chunks.next()
    if (done === true) return
    first = value
  }
  const head = first
  const transform = create(head)
  const feeding = pipeline(async function* () {
    yield head
    yield* { [Symbol.asyncIterator]: () => chunks }
  }, transform)
  // The transform reports the same failure.
  feeding.catch(() => {})
  yield* transform as AsyncIterable<Buffer>
}

/** Ignores trailing data after the last member, as browsers do. */
async function* gunzip(source: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Buffer, void, undefined> {
  const packed: Buffer[] = []
  const keep = async function* (): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of source) {
      packed.push(chunk)
      yield chunk
    }
  }
  let size = 0
  try {
    for await (const chunk of unpack(keep(), () => zlib.createGunzip())) {
      size += chunk.byteLength
      yield chunk
    }
  } catch (error) {
    // The failed first pass may have lost the end of its output.
    const whole = await gunzipMembers(Buffer.concat(packed), maxBytes)
    if (whole === undefined) throw error
    yield whole.subarray(size)
  }
}
