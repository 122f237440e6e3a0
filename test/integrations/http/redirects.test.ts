import { expect, test } from 'vitest'
import { failureOf, httpRig, type Loopback, readText, sendJson, startLoopback } from './loopback.ts'

/** A server that redirects `/<status>/<location>` and tells what reached it elsewhere. */
function startRedirecting(): Promise<Loopback> {
  return startLoopback(async (request, response) => {
    const [, status, location] = /^\/(3\d\d)\/(.*)$/s.exec(request.url ?? '') ?? []
    if (status !== undefined) {
      response.writeHead(Number(status), { location: decodeURIComponent(location ?? '') }).end('moved')
      return
    }
    const { method, url: path, headers } = request
    sendJson(response, { method, path, headers, body: await readText(request) })
  })
}

const redirect = (status: number, location: string): string => `/${status}/${encodeURIComponent(location)}`

test.each([
  ['GET', 301, 'GET'],
  ['POST', 301, 'GET'],
  ['POST', 302, 'GET'],
  ['PUT', 302, 'PUT'],
  ['POST', 303, 'GET'],
  ['PUT', 303, 'GET'],
  ['HEAD', 303, 'HEAD'],
  ['POST', 307, 'POST'],
  ['PATCH', 308, 'PATCH'],
])('%s redirected by %i continues as %s', async (method, status, expected) => {
  const { url, requests } = await startRedirecting()
  const body = method === 'GET' || method === 'HEAD' ? undefined : { json: { a: 1 } }
  const { body: reached } = await httpRig().request({
    method,
    url: url + redirect(status, '/end?x'),
    ...(body && { body }),
  })
  expect(requests.map(request => request.method)).toEqual([method, expected])
  if (method === 'HEAD') return
  const { headers, ...rest } = reached as { headers: Record<string, string> }
  const isKept = body !== undefined && expected === method
  expect(rest).toEqual({ method: expected, path: '/end?x', body: isKept ? '{"a":1}' : '' })
  expect(headers['content-type']).toBe(isKept ? 'application/json' : undefined)
})

test('secrets of a request follow redirects within its origin and to no other', async () => {
  const { url, at } = await startRedirecting()
  const headers = {
    Authorization: 'Bearer of-mine',
    Cookie: 'a=b',
    'X-Api-Key': 'key-of-mine',
    'X-Anything': 'else',
    Accept: 'text/html',
    'If-None-Match': '"x"',
  }
  const { get } = httpRig()
  const reach = async (location: string): Promise<Record<string, string>> => {
    const { body } = await get({ url: url + redirect(302, location), headers })
    return (body as { headers: Record<string, string> }).headers
  }
  expect(await reach('/same')).toMatchObject({
    authorization: 'Bearer of-mine',
    cookie: 'a=b',
    'x-api-key': 'key-of-mine',
    'x-anything': 'else',
  })
  const foreign = await reach(at('other.test'))
  expect(Object.keys(foreign).sort()).toEqual([
    'accept',
    'accept-encoding',
    'connection',
    'host',
    'if-none-match',
    'user-agent',
  ])
  // Not even once it has come back to where they were meant for.
  const back = await reach(at('other.test', redirect(302, `${url}/back`)))
  expect(back).not.toHaveProperty('authorization')
})

test('a user and a password in a URL are sent as Authorization, and not to another origin', async () => {
  const { port, at } = await startRedirecting()
  const { get } = httpRig()
  const authorized = async (path: string): Promise<unknown> => {
    const { body } = await get({ url: `http://us%20er:p%40ss@a.test:${port}${path}` })
    return (body as { headers: Record<string, string> }).headers['authorization']
  }
  const basic = `Basic ${Buffer.from('us er:p@ss').toString('base64')}`
  expect(await authorized('/')).toBe(basic)
  expect(await authorized(redirect(307, '/same'))).toBe(basic)
  expect(await authorized(redirect(307, at('b.test')))).toBeUndefined()
  // Nor is one of the server's choosing.
  expect(await authorized(redirect(307, `http://other:one@b.test:${port}/`))).toBeUndefined()
})

test('headers of a host are sent to it alone, before those of a task', async () => {
  const { at } = await startRedirecting()
  const { port } = new URL(at('a.test'))
  const hostHeaders = {
    [`a.test:${port}`]: { 'X-Api-Key': 'of a' },
    [`*.b.test:${port}`]: { 'x-api-key': 'of b' },
    // Without a port it is the service on https that is meant: the key does not go out in clear text, nor to another port.
    'd.test': { 'x-api-key': 'of d' },
  }
  const { get } = httpRig({ hostHeaders })
  const keyAt = async (url: string): Promise<unknown> => {
    const { body } = await get({ url, headers: { 'x-API-key': 'of the task' } })
    return (body as { headers: Record<string, string> }).headers['x-api-key']
  }
  expect(await keyAt(at('a.test'))).toBe('of a')
  expect(await keyAt(at('c.test'))).toBe('of the task')
  expect(await keyAt(at('d.test'))).toBe('of the task')
  expect(await keyAt(at('c.test', redirect(302, at('x.b.test'))))).toBe('of b')
  expect(await keyAt(at('a.test', redirect(302, at('c.test'))))).toBeUndefined()
})

test('as many redirects as allowed are followed, and no more', async () => {
  const { url, requests } = await startLoopback(({ url: path }, response) => {
    const left = Number(path?.slice(1))
    if (left === 0) sendJson(response, 'end')
    else response.writeHead(302, { location: `/${left - 1}` }).end()
  })
  expect(await httpRig().get({ url: `${url}/5` })).toMatchObject({ body: 'end' })
  expect(await failureOf(httpRig().get({ url: `${url}/6` }))).toMatchObject({
    code: 'HTTP_REDIRECT',
    retryable: false,
    message: `\`GET ${url}/1\` was redirected more than 5 times`,
  })
  expect(requests).toHaveLength(12)
  expect(await failureOf(httpRig({ maxRedirects: 0 }).get({ url: `${url}/1` }))).toMatchObject({
    code: 'HTTP_REDIRECT',
  })
})

test.each(['file:///etc/passwd', 'javascript:alert(1)', 'http://'])('a redirect to %s fails', async location => {
  const { url } = await startRedirecting()
  expect(await failureOf(httpRig().get({ url: url + redirect(302, location) }))).toMatchObject({
    code: 'HTTP_REDIRECT',
  })
})

test('an accepted redirect, or one without a target, is not followed', async () => {
  const { url, requests } = await startRedirecting()
  const { get } = httpRig()
  expect(await get({ url: url + redirect(302, '/end'), acceptStatuses: [302] })).toMatchObject({
    status: 302,
    headers: { location: '/end' },
    body: 'moved',
  })
  expect(await failureOf(get({ url: url + redirect(302, '') }))).toMatchObject({ code: 'HTTP_STATUS', status: 302 })
  expect(await failureOf(get({ url: url + redirect(304, '/end') }))).toMatchObject({ status: 304 })
  expect(requests).toHaveLength(3)
})

test('the body of a redirect may be without an end', async () => {
  const { url } = await startLoopback(({ url: path }, response) => {
    if (path === '/end') return sendJson(response, 'end')
    response.writeHead(302, { location: '/end' })
    const write = (): void => {
      while (response.writable && response.write('x'.repeat(1000)));
    }
    response.on('drain', write)
    return write()
  })
  expect(await httpRig().get({ url })).toMatchObject({ body: 'end' })
})
