import type { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import * as zlib from 'node:zlib'
import { gunzipMembers } from './gzip-members.ts'

/** Most codings of one body: as many as `fetch` and curl unpack. */
const MAX_CODINGS = 5

/** The body is packed in a way that is not known, or is not what its coding says. */
export class BodyCodingError extends Error {
  override readonly name: string = 'BodyCodingError'
}

/** Takes bytes and gives others. */
export type Stage = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>

/**
 * What unpacks a body, in the order of unpacking; empty for one that is not packed.
 * @param coding the value of `Content-Encoding`: a list in the order of packing
 * @param maxBytes of the unpacked body; what follows gzip is looked at up to this size
 * @throws `BodyCodingError` for a coding that is not known
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

/** Not in every version of Node. */
const createZstd = (zlib as { createZstdDecompress?: () => Transform }).createZstdDecompress

/** RFC 9110, 8.4.1.2: `deflate` is zlib; some servers leave out its header (RFC 1950, 2.2). */
function isZlib(first: Buffer): boolean {
  const [method = 0, flags] = first
  return (method & 0x0f) === 8 && (flags === undefined || (method * 256 + flags) % 31 === 0)
}

/** A body without any byte is empty, whatever its coding: packers leave out the frame of nothing. */
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
  // Reported by the transform, which fails with it.
  feeding.catch(() => {})
  yield* transform as AsyncIterable<Buffer>
}

/** As browsers do it: what follows the last member, and is none, is ignored. */
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
    // The first pass may have lost the end of its output when it failed.
    const whole = await gunzipMembers(Buffer.concat(packed), maxBytes)
    if (whole === undefined) throw error
    yield whole.subarray(size)
  }
}
