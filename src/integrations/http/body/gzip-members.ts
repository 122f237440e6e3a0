import { crc32, inflateRaw } from 'node:zlib'

/** RFC 1952, 2.3: magic, method, flags, time, extra flags, system. */
const HEADER_BYTES = 10
/** RFC 1952, 2.3.1: checksum and size. */
const TRAILER_BYTES = 8

const [FHCRC, FEXTRA, FNAME, FCOMMENT] = [2, 4, 8, 16]

/**
 * Decompresses the leading members; trailing data that is not a member is ignored.
 * @returns `undefined` unless there is at least one, and all are complete
 * @throws zlib's `ERR_BUFFER_TOO_LARGE` beyond `maxBytes` for one member
 */
export async function gunzipMembers(packed: Buffer, maxBytes: number): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  for (let rest = packed; isMember(rest); ) {
    const body = rest.subarray(headerLength(rest))
    const member = await inflateMember(body, maxBytes)
    const end = member === undefined ? Infinity : member.inputBytes + TRAILER_BYTES
    if (member === undefined || end > body.length) return undefined
    if (crc32(member.output) !== body.readUInt32LE(member.inputBytes)) return undefined
    parts.push(member.output)
    rest = body.subarray(end)
  }
  return parts.length === 0 ? undefined : Buffer.concat(parts)
}

function isMember([first, second, method, flags = 0]: Buffer): boolean {
  return first === 0x1f && second === 0x8b && method === 8 && (flags & 0xe0) === 0
}

function headerLength(member: Buffer): number {
  const flags = member[3] ?? 0
  let length = HEADER_BYTES
  if ((flags & FEXTRA) !== 0) length += 2 + (member[length] ?? 0) + (member[length + 1] ?? 0) * 256
  for (const flag of [FNAME, FCOMMENT]) {
    if ((flags & flag) !== 0) length = member.indexOf(0, length) + 1
  }
  return (flags & FHCRC) === 0 ? length : length + 2
}

/** @returns `undefined` for a damaged or truncated member */
function inflateMember(body: Buffer, maxBytes: number): Promise<{ output: Buffer; inputBytes: number } | undefined> {
  return new Promise((resolve, reject) => {
    // The types of `info` are missing for the asynchronous form.
    const done = (error: NodeJS.ErrnoException | null, result: unknown): void => {
      if (error?.code === 'ERR_BUFFER_TOO_LARGE') return reject(error)
      if (error !== null) return resolve(undefined)
      const { buffer, engine } = result as { buffer: Buffer; engine: { bytesWritten: number } }
      resolve({ output: buffer, inputBytes: engine.bytesWritten })
    }
    inflateRaw(body, { info: true, maxOutputLength: maxBytes }, done)
  })
}
