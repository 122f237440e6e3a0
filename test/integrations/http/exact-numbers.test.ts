import { expect, test } from 'vitest'
import { JsonNumber, StreamingExecutor } from '../../../src/index.ts'
import { httpTools } from '../../../src/integrations/http/index.ts'
import { failureOf, httpRig, readText, startLoopback } from './loopback.ts'

test('digits go from one answer into the next request, as body, query, header and text, without a warning', async () => {
  const { url } = await startLoopback(async (request, response) => {
    response.setHeader('content-type', 'application/json')
    if (request.url === '/get') return response.end('{"id":9007199254740993,"big":1e999}')
    const sent = { url: request.url, header: request.headers['x-id'], body: await readText(request) }
    return response.end(JSON.stringify(sent))
  })
  const tasks = [
    { id: 'page', tool: 'http:get', arguments: { url: `${url}/get` } },
    {
      id: 'post',
      tool: 'http:request',
      arguments: {
        method: 'POST',
        url: `${url}/post/\${OUTPUT[page].body.id}`,
        query: { id: '$OUTPUT[page].body.id' },
        headers: { 'x-id': '$OUTPUT[page].body.id' },
        body: { json: '$OUTPUT[page].body' },
      },
    },
  ]
  const execution = new StreamingExecutor(httpTools({ allowPrivateAddresses: true })).stream({ tasks })
  const types: string[] = []
  for await (const event of execution) types.push(event.type)
  const [page, post] = (await execution.result).results
  expect(page?.output).toMatchObject({ body: { id: new JsonNumber('9007199254740993'), big: new JsonNumber('1e999') } })
  expect(post?.output).toMatchObject({
    body: {
      url: '/post/9007199254740993?id=9007199254740993',
      header: '9007199254740993',
      body: '{"id":9007199254740993,"big":1e999}',
    },
  })
  expect(types).not.toContain('info')
})

test('duplicate keys in an answer are read as by JSON.parse', async () => {
  const { url } = await startLoopback((_, response) => {
    response.setHeader('content-type', 'application/json').end('{"a":1,"a":9007199254740993}')
  })
  expect((await httpRig().get({ url })).body).toEqual({ a: new JsonNumber('9007199254740993') })
})

test.each([
  ['application/json', '{"id": 9007199254740993}', '{"id": 9007199254740993}'],
  ['application/problem+json; charset=utf-8', ' [1e999]\n', ' [1e999]\n'],
  ['application/json', 'no JSON', 'no JSON'],
  ['application/json', '', ''],
  ['text/plain', 'ä', 'ä'],
  ['image/svg', '<svg/>', '<svg/>'],
])('`as: "text"` gives a body of %s unparsed', async (type, sent, body) => {
  const { url } = await startLoopback((_, response) => {
    response.setHeader('content-type', type).end(sent)
  })
  const { get, request } = httpRig()
  expect(await get({ url, as: 'text' })).toMatchObject({ body, bodyType: 'text' })
  expect(await request({ url, method: 'POST', body: { text: 'x' }, as: 'text' })).toMatchObject({
    body,
    bodyType: 'text',
  })
})

test('a body that is not text is refused if text is requested, and base64 otherwise', async () => {
  const { url } = await startLoopback((_, response) => {
    response.setHeader('content-type', 'image/png').end(Buffer.from([0x89, 0x50, 0xff]))
  })
  const { get } = httpRig()
  const error = await failureOf(get({ url, as: 'text' }))
  expect([error.code, error.retryable, error.message]).toEqual([
    'HTTP_INVALID_RESPONSE',
    false,
    expect.stringContaining('the answer is not text, which `as` requires'),
  ])
  expect(await get({ url, as: 'json' })).toMatchObject({ bodyType: 'base64' })
})
