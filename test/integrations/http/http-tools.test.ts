import { gzipSync, brotliCompressSync, deflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { ParallelExecutor, validateWorkflow } from '../../../src/index.ts'
import { httpTools } from '../../../src/integrations/http/index.ts'
import { failureOf, httpRig, readText, sendJson, startLoopback } from './loopback.ts'

test('a page is status, headers and body, in a workflow', async () => {
  const { url } = await startLoopback((_, response) => sendJson(response, { items: [1, 2] }))
  const executor = new ParallelExecutor([
    ...httpTools({ allowPrivateAddresses: true }),
    { name: 'echo', execute: (args: Record<string, unknown>) => args },
  ])
  const { results } = await executor.execute({
    tasks: [
      { id: 'page', tool: 'http:get', arguments: { url } },
      { id: 'second', tool: 'echo', arguments: { item: '$OUTPUT[page].body.items[1]' } },
    ],
  })
  expect(results.map(({ output }) => output)).toEqual([
    {
      status: 200,
      headers: expect.objectContaining({ 'content-type': 'application/json' }),
      body: { items: [1, 2] },
      bodyType: 'json',
    },
    { item: 2 },
  ])
})

test('a request is method, headers, query and body as data', async () => {
  const { url } = await startLoopback(async (request, response) => {
    const { method, url: path, headers } = request
    const { 'x-number': number, 'content-type': type, 'user-agent': agent } = headers
    sendJson(response, { method, path, number, type, agent, body: await readText(request) })
  })
  const { request } = httpRig()
  const args = {
    method: 'PUT',
    url: `${url}/a%20b?x=1#part`,
    headers: { 'X-Number': 5 },
    query: { y: ['é', 2], z: true },
  }
  expect((await request({ ...args, body: { json: { a: [null] } } })).body).toEqual({
    method: 'PUT',
    path: '/a%20b?x=1&y=%C3%A9&y=2&z=true',
    number: '5',
    type: 'application/json',
    agent: 'dagstream',
    body: '{"a":[null]}',
  })
  const text = { url, method: 'POST', headers: { 'Content-Type': 'text/csv' }, body: { text: 'ä;1' } }
  expect((await request(text)).body).toMatchObject({ type: 'text/csv', body: 'ä;1' })
  const bytes = { url, method: 'POST', body: { base64: Buffer.from('bytes').toString('base64') } }
  expect((await request(bytes)).body).toMatchObject({ type: 'application/octet-stream', body: 'bytes' })
})

test('the query that a URL has stays as it is written', async () => {
  const { url, requests } = await startLoopback((_, response) => sendJson(response, 1))
  const { get } = httpRig()
  for (const search of ['?a=b%20c&sig=~%2F', '?', '']) await get({ url: `${url}/${search}`, query: { d: 'e f' } })
  await get({ url: `${url}/?a=b%20c` })
  expect(requests.map(request => request.url)).toEqual(['/?a=b%20c&sig=~%2F&d=e+f', '/?d=e+f', '/?d=e+f', '/?a=b%20c'])
})

test('arguments are checked before anything runs', () => {
  const tools = httpTools()
  const problemsOf = (tool: string, args: Record<string, unknown>): string[] => {
    const { issues } = validateWorkflow({ tasks: [{ id: 'a', tool, arguments: args }] }, tools)
    return issues.map(({ pointer, message }) => `${pointer.slice('/tasks/0'.length)} ${message}`)
  }
  const url = 'http://x/'
  expect(problemsOf('http:get', { url, acceptStatuses: [404], timeoutMs: 5, query: { a: [1] } })).toEqual([])
  expect(problemsOf('http:request', { url, body: { json: null } })).toEqual([])
  expect(problemsOf('http:get', {})).toEqual([expect.stringContaining('Missing `url`')])
  expect(problemsOf('http:get', { url, body: { text: 'x' } })).toEqual([expect.stringContaining('`body`')])
  expect(problemsOf('http:request', { url, body: {} })).toHaveLength(1)
  expect(problemsOf('http:request', { url, body: { json: 1, text: '1' } })).toHaveLength(1)
  expect(problemsOf('http:request', { url, method: 'TRACE' })).toHaveLength(1)
  expect(problemsOf('http:request', { url, acceptStatuses: 'all' })).toHaveLength(1)
  expect(problemsOf('http:get', { url, timeoutMs: 0 })).toHaveLength(1)
})

test.each([{ json: undefined }, { json: () => 1 }, { json: 1n }, { text: undefined }, { base64: undefined }, {}])(
  'a body that only code can give, %o, is refused by its code',
  async body => {
    const call = httpRig().request({ url: 'http://x/', method: 'POST', body })
    expect(await failureOf(call)).toMatchObject({ code: 'INVALID_ARGUMENTS', retryable: false })
  },
)

test.each<[what: string, args: Record<string, unknown>]>([
  ['no absolute URL', { url: '/path' }],
  ['a URL of another kind', { url: 'file:///etc/passwd' }],
  ['a URL longer than 32 Ki characters', { url: `http://x/?${'a'.repeat(40_000)}` }],
  ['a Host of its own', { url: 'http://x/', headers: { Host: 'y' } }],
  ['a length of its own', { url: 'http://x/', headers: { 'content-length': 5 } }],
  ['a header with a line break', { url: 'http://x/', headers: { a: 'b\r\nc: d' } }],
  ['a header outside Latin-1', { url: 'http://x/', headers: { a: '→' } }],
  ['a header without a name', { url: 'http://x/', headers: { '': 'b' } }],
  ['a name that is none', { url: 'http://x/', headers: { 'a b\n': 'b' } }],
  ['base64 that is none', { url: 'http://x/', method: 'POST', body: { base64: 'a b' } }],
])('a request with %s is refused, without a further attempt', async (_, args) => {
  expect(await failureOf(httpRig().request(args))).toMatchObject({ code: 'INVALID_ARGUMENTS', retryable: false })
})

test.each<[type: string | undefined, bytes: string | Uint8Array, body: unknown, bodyType: string]>([
  ['application/json', '{"a":1}', { a: 1 }, 'json'],
  ['application/problem+json; charset=utf-8', '"ä"', 'ä', 'json'],
  ['TEXT/JSON', '\ufeff[]', [], 'json'],
  ['application/json', '', null, 'json'],
  ['text/plain', 'grün', 'grün', 'text'],
  ['text/plain', '', '', 'text'],
  ['text/plain; charset="iso-8859-1"', Buffer.from('grün', 'latin1'), 'grün', 'text'],
  ['text/plain; charset=nonsense', 'grün', 'grün', 'text'],
  ['text/csv; charset=latin1', '\ufeffgrün', 'grün', 'text'],
  ['text/plain', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('grün', 'utf16le')]), 'grün', 'text'],
  ['image/svg+xml', '<svg/>', '<svg/>', 'text'],
  ['application/xml', '<a/>', '<a/>', 'text'],
  ['image/png', Buffer.from([137, 80, 0, 255]), 'iVAA/w==', 'base64'],
  ['application/octet-stream', 'text', 'dGV4dA==', 'base64'],
  [undefined, 'grün', 'grün', 'text'],
  [undefined, Buffer.from([255, 0]), '/wA=', 'base64'],
])('a body of %s, %j, is read as %j', async (type, bytes, body, bodyType) => {
  const { url } = await startLoopback((_, response) => {
    if (type !== undefined) response.setHeader('content-type', type)
    response.end(bytes)
  })
  expect(await httpRig().get({ url })).toMatchObject({ body, bodyType })
})

test('JSON that is invalid fails the task, once', async () => {
  const { url } = await startLoopback((_, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
  )
  expect(await failureOf(httpRig().get({ url }))).toMatchObject({ code: 'HTTP_INVALID_RESPONSE', retryable: false })
})

test.each([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['br', brotliCompressSync],
  ['deflate', deflateSync],
])('a body packed by %s is unpacked', async (coding, pack) => {
  const { url, requests } = await startLoopback((_, response) =>
    response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': coding }).end(pack('text')),
  )
  expect((await httpRig().get({ url })).body).toBe('text')
  expect(requests[0]?.headers['accept-encoding']).toBe('gzip, br')
})

test.each([
  ['that is cut', 'gzip', gzipSync('text'.repeat(100)).subarray(0, 20), true],
  ['that is none', 'gzip', Buffer.from('text'), true],
  ['packed twice, once in an unknown way', 'zip, gzip', gzipSync('text'), false],
  ['of an unknown coding', 'zip', Buffer.from('text'), false],
])('a packed body %s fails', async (_, coding, bytes, retryable) => {
  const { url } = await startLoopback((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/plain', 'content-encoding': coding }).end(bytes),
  )
  expect(await failureOf(httpRig().get({ url }))).toMatchObject({ code: 'HTTP_INVALID_RESPONSE', retryable })
})

test.each([
  ['HEAD', 200, 99_999_999],
  ['GET', 204, 0],
  ['GET', 304, 0],
])('an answer to %s with %i has no body, whatever its headers say', async (method, status, length) => {
  const { url } = await startLoopback((_, response) =>
    response
      .writeHead(status, { 'content-type': 'text/plain', 'content-encoding': 'gzip', 'content-length': length })
      .end(),
  )
  const answer = await httpRig().request({ method, url, acceptStatuses: [304] })
  expect(answer).toMatchObject({ status, body: '', bodyType: 'text' })
})

test('several headers of one name are one, and cookies that are set are omitted', async () => {
  const { url } = await startLoopback((_, response) =>
    response.writeHead(200, ['X-Two', '1', 'X-Two', '2', 'Set-Cookie', 'session=secret', 'Set-Cookie', 'b=c']).end(),
  )
  const { headers } = await httpRig().get({ url })
  expect(headers).toMatchObject({ 'x-two': '1, 2' })
  expect(JSON.stringify(headers)).not.toContain('secret')
})

test('the tools have a prefix and limits of the options', () => {
  const limit = { limit: 2, retry: { maxAttempts: 7 } }
  expect(httpTools({ prefix: 'shop', ...limit }).map(({ name, limit, retry }) => ({ name, limit, retry }))).toEqual([
    { name: 'shop:get', limit: 2, retry: { maxAttempts: 7 } },
    { name: 'shop:request', limit: 2, retry: undefined },
  ])
})

test.each<[option: string, options: Record<string, unknown>]>([
  ['prefix', { prefix: '' }],
  ['allowedHosts', { allowedHosts: 'example.com' }],
  ['allowedHosts', { allowedHosts: ['*'] }],
  ['allowedHosts', { allowedHosts: ['http://example.com'] }],
  ['allowedHosts', { allowedHosts: ['example.com/path'] }],
  ['allowedHosts', { allowedHosts: ['*.127.0.0.1'] }],
  ['allowedHosts', { allowedHosts: ['a b'] }],
  ['allowedHosts', { allowedHosts: [5] }],
  ['allowPrivateAddresses', { allowPrivateAddresses: 'yes' }],
  ['hostHeaders', { hostHeaders: { '*': {} } }],
  ['hostHeaders', { hostHeaders: { 'example.com': { host: 'x' } } }],
  ['hostHeaders.authorization', { hostHeaders: { 'example.com': { authorization: 5 } } }],
  ['limitPerHost', { limitPerHost: 0 }],
  ['timeoutMs', { timeoutMs: 0 }],
  ['timeoutMs', { timeoutMs: 3_600_001 }],
  ['maxResponseBytes', { maxResponseBytes: 0 }],
  ['maxRedirects', { maxRedirects: 21 }],
  ['lookup', { lookup: 'dns' }],
  ['clock', { clock: {} }],
])('a wrong `%s` is refused', (option, options) => {
  expect(() => httpTools(options)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining(`\`${option}\``) }),
  )
})
