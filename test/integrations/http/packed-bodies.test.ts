import * as zlib from 'node:zlib'
import { expect, test } from 'vitest'
import { failureOf, httpRig, startLoopback } from './loopback.ts'

const TEXT = 'hello, world'
const EMPTY = Buffer.alloc(0)
const gzip = zlib.gzipSync(TEXT)
const brotli = zlib.brotliCompressSync(TEXT)
const LARGE = 'hello '.repeat(200_000)

interface Packed {
  readonly coding: string
  readonly body: Buffer
}

async function get({ coding, body }: Packed, cut = body.length): Promise<unknown> {
  const { url } = await startLoopback((_, response) => {
    response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': coding })
    response.write(body.subarray(0, cut))
    setImmediate(() => response.end(body.subarray(cut)))
  })
  return (await httpRig().get({ url })).body
}

test.each<[what: string, coding: string, body: Buffer]>([
  ['deflate', 'deflate', zlib.deflateSync(TEXT)],
  ['deflate without a zlib header', 'deflate', zlib.deflateRawSync(TEXT)],
  ['stored deflate without a header', 'deflate', zlib.deflateRawSync(TEXT, { level: 0 })],
  ['a name in upper case', 'GZIP', gzip],
  ['x-gzip', 'x-gzip', gzip],
  ['Identity', 'Identity', Buffer.from(TEXT)],
  ['identity in a list', 'identity, gzip', gzip],
  ['several members', 'gzip', Buffer.concat([zlib.gzipSync('hello, '), zlib.gzipSync('world')])],
  ['zeros behind a member', 'gzip', Buffer.concat([gzip, Buffer.alloc(10)])],
  ['text behind a member', 'gzip', Buffer.concat([gzip, Buffer.from('<!-- cached -->')])],
  ['a line end behind a member', 'gzip', Buffer.concat([gzip, Buffer.from('\r\n')])],
  ['what only begins like a member', 'gzip', Buffer.concat([gzip, Buffer.from([0x1f, 0x8b, 1, 2, 3, 4])])],
  [
    'text behind several members, one of them empty',
    'gzip',
    Buffer.concat([zlib.gzipSync('hello, '), zlib.gzipSync(''), zlib.gzipSync('world'), Buffer.from('x')]),
  ],
  ['several codings', 'gzip, br', zlib.brotliCompressSync(gzip)],
  ['three codings', 'deflate, br, gzip', zlib.gzipSync(zlib.brotliCompressSync(zlib.deflateRawSync(TEXT)))],
  ['bytes behind brotli', 'br', Buffer.concat([brotli, Buffer.from('xx')])],
])('%s is unpacked, wherever it is cut', async (_, coding, body) => {
  for (const cut of [body.length, 1, Math.floor(body.length / 2), body.length - 1]) {
    expect(await get({ coding, body }, cut)).toBe(TEXT)
  }
})

test.each(['gzip', 'x-gzip', 'deflate', 'br', 'gzip, br', 'identity', ' , '])(
  'an empty body of %j is empty',
  async coding => {
    expect(await get({ coding, body: EMPTY })).toBe('')
  },
)

test('a packed nothing is empty', async () => {
  for (const [coding, body] of [
    ['gzip', zlib.gzipSync('')],
    ['deflate', zlib.deflateSync('')],
    ['br', zlib.brotliCompressSync('')],
  ] as const) {
    expect(await get({ coding, body })).toBe('')
  }
})

test('a large body with text after it comes whole', async () => {
  const body = Buffer.concat([zlib.gzipSync(LARGE), Buffer.from('garbage')])
  expect(await get({ coding: 'gzip', body })).toBe(LARGE)
})

test.each([
  ['HEAD', 200, 'request'],
  ['GET', 204, 'get'],
  ['GET', 304, 'get'],
] as const)('%s with %i has no body, whatever its coding', async (method, status, tool) => {
  for (const coding of ['gzip', 'br', 'unheard-of']) {
    const { url } = await startLoopback((_, response) =>
      response.writeHead(status, { 'content-encoding': coding, 'content-type': 'text/plain' }).end(),
    )
    const args = { url, acceptStatuses: [304], ...(tool === 'request' && { method }) }
    expect(await httpRig()[tool](args)).toMatchObject({ status, body: '' })
  }
})

test.each<[what: string, coding: string, body: Buffer]>([
  ['text that is not packed', 'gzip', Buffer.from(TEXT)],
  ['a member that is cut', 'gzip', gzip.subarray(0, -9)],
  ['a second member that is cut', 'gzip', Buffer.concat([gzip, gzip.subarray(0, 12)])],
  ['brotli that is cut', 'br', brotli.subarray(0, -1)],
  ['a coding that is not known', 'compress', gzip],
  ['more codings than anybody needs', 'br, br, br, br, br, br', brotli],
])('%s is refused', async (_, coding, body) => {
  expect(await failureOf(get({ coding, body }))).toMatchObject({ code: 'HTTP_INVALID_RESPONSE' })
})

test.each<[what: string, coding: string, pack: (body: Buffer) => Buffer]>([
  ['gzip', 'gzip', zlib.gzipSync],
  ['gzip with text behind it', 'gzip', body => Buffer.concat([zlib.gzipSync(body), Buffer.from('x')])],
  ['raw deflate', 'deflate', zlib.deflateRawSync],
  ['gzip in brotli', 'gzip, br', body => zlib.brotliCompressSync(zlib.gzipSync(body))],
  ['gzip in gzip', 'gzip, gzip', body => zlib.gzipSync(zlib.gzipSync(body))],
])('a bomb of %s is cut at the bound', async (_, coding, pack) => {
  const body = pack(Buffer.alloc(20 * 1024 * 1024))
  expect(await failureOf(get({ coding, body }))).toMatchObject({ code: 'HTTP_RESPONSE_TOO_LARGE' })
})

const zstdCompress = (zlib as { zstdCompressSync?: (body: Buffer) => Buffer }).zstdCompressSync

test('zstd is unpacked where Node has it, and refused elsewhere', async () => {
  if (zstdCompress !== undefined) {
    expect(await get({ coding: 'zstd', body: zstdCompress(Buffer.from(TEXT)) })).toBe(TEXT)
  } else {
    expect(await failureOf(get({ coding: 'zstd', body: gzip }))).toMatchObject({ code: 'HTTP_INVALID_RESPONSE' })
  }
})
