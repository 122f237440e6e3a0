import { expect, test } from 'vitest'
import { StreamingExecutor } from '../../../src/index.ts'
import { httpTools } from '../../../src/integrations/http/index.ts'
import { failureOf, httpRig, readText, resolveToLoopback, startLoopback } from './loopback.ts'

const SECRETS = {
  bearer: 'sk-live-1234567890',
  password: 'p@ss/word',
  cookie: 'c00kie-v4lue',
  key: 'key "quoted"',
  query: 'qu€ry-t0ken',
  host: 'of-the-operator',
  path: '110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw',
}

const argumentsFor = (port: number, path: string, headers: object): Record<string, unknown> => ({
  url: `http://user:${encodeURIComponent(SECRETS.password)}@a.test:${port}${path}#${SECRETS.query}`,
  headers,
  query: { access_token: SECRETS.query },
})

const HEADERS = { cookie: `session=${SECRETS.cookie}; b=c`, 'x-api-key': SECRETS.key }

/** Every way in which a secret may be told. */
function findTold(text: string): string[] {
  return Object.values(SECRETS).filter(secret => {
    const written = [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]
    return [...written, Buffer.from(`user:${secret}`).toString('base64')].some(each => text.includes(each))
  })
}

test.each<[what: string, path: string, headers: object, options: object]>([
  ['a status, where the server sends back all it got', '/echo', HEADERS, {}],
  ['a status, with a token', '/echo', { authorization: `Bearer ${SECRETS.bearer}` }, {}],
  ['a connection that is cut', '/cut', HEADERS, {}],
  ['JSON that is none', '/json', HEADERS, {}],
  ['an answer that is too large', '/echo', { ...HEADERS, 'x-status': 200 }, { maxResponseBytes: 10 }],
  ['redirects without an end', '/loop', HEADERS, {}],
  ['a redirect to nowhere', '/nowhere', HEADERS, {}],
  ['a host that is not allowed', '/echo', HEADERS, { allowedHosts: ['b.test'] }],
  ['an address that is not allowed', '/echo', HEADERS, { allowPrivateAddresses: false }],
  ['a header that cannot be sent', '/echo', { 'x-api-key': `${SECRETS.key}\u0000` }, {}],
  ['a header that must not be sent', '/echo', { ...HEADERS, host: SECRETS.host }, {}],
])('no secret is reported in errors or events of %s', async (_, path, headers, options) => {
  const { port } = await startLoopback(async (request, response) => {
    const echo = `${request.url} ${JSON.stringify(request.headers)} ${decodeURIComponent(request.url ?? '')}`
    await readText(request)
    if (path === '/cut') response.destroy()
    else if (path === '/json') response.writeHead(200, { 'content-type': 'application/json' }).end(echo)
    else if (path === '/loop') response.writeHead(302, { location: request.url }).end()
    else if (path === '/nowhere')
      response.writeHead(302, { location: `gopher://${encodeURIComponent(SECRETS.query)}` }).end()
    else response.writeHead(Number(request.headers['x-status'] ?? 401), { 'content-type': 'text/plain' }).end(echo)
  })
  const hostHeaders = { 'a.test': { 'x-operator': SECRETS.host } }
  const tools = httpTools({ allowPrivateAddresses: true, lookup: resolveToLoopback, hostHeaders, ...options })
  const logged: string[] = []
  const log = (message: string, fields?: object): void => void logged.push(message + JSON.stringify(fields))
  const executor = new StreamingExecutor(tools, { logger: { debug: log, warn: log } })
  const task = { id: 'a', tool: 'http:request', arguments: argumentsFor(port, path, headers) }
  const execution = executor.stream({ tasks: [task] })
  const events: string[] = []
  for await (const event of execution) events.push(JSON.stringify(event))
  const { results } = await execution.result
  expect(results[0]?.status).toBe('error')
  expect(findTold([...events, ...logged, JSON.stringify(results)].join('\n'))).toEqual([])
})

test('the answer of a server is quoted without them', async () => {
  const { url } = await startLoopback(({ headers }, response) =>
    response.writeHead(403).end(`no such token: ${headers.authorization?.slice('Bearer '.length)}!`),
  )
  const { message } = await failureOf(httpRig().get({ url, headers: { authorization: `Bearer ${SECRETS.bearer}` } }))
  expect(message).toBe(`\`GET ${url}/\` was answered with 403: no such token: [redacted]!`)
})

const SENT = 'hunter2 & "zebra"/é'

test.each<[what: string, args: Record<string, unknown>]>([
  ['a field of JSON', { body: { json: { user: 'me', password: SENT } } }],
  ['a field of JSON within a secret one', { body: { json: { credentials: { user: 'me', value: [SENT] } } } }],
  ['a number of JSON', { body: { json: { otp: 918273645 } } }],
  ['a query of GraphQL', { body: { json: { query: `mutation { login(password: ${JSON.stringify(SENT)}) }` } } }],
  ['JSON as a text', { body: { text: JSON.stringify({ client_secret: SENT }) } }],
  ['a form', { body: { text: new URLSearchParams({ client_secret: SENT, b: 'c' }).toString() } }],
  ['XML', { body: { text: '<login><password>hunter2-of-xml</password></login>' } }],
  ['settings', { body: { text: `user = me\nsecret_key = 'hunter2 zebra'\n` } }],
  [
    'a multipart body',
    { body: { text: `Content-Disposition: form-data; name="password"\r\n\r\nhunter2-of-form\r\n` } },
  ],
  ['a body as base64', { body: { base64: Buffer.from(`{"token":${JSON.stringify(SENT)}}`).toString('base64') } }],
  ['a long word of any name', { body: { json: { q: 'hunter2-in-a-word-of-32-letters.' } } }],
  ['the query', { query: { api_key: SENT } }],
  ['a long word of the query', { query: { q: 'hunter2-in-a-word-of-32-letters.' } }],
  ['a short part of a cookie', { headers: { cookie: 'session=hunter2' } }],
])('a server that sends %s back, in any escaping, reveals it in no error and no event', async (_, args) => {
  const { url } = await startLoopback(async (request, response) => {
    const body = await readText(request)
    const query = new URL(request.url ?? '', 'http://x').searchParams
    const texts = [body, request.url, [...query.values()].join(' '), request.headers.cookie ?? '']
    const form = [...new URLSearchParams(body).values()].join(' ')
    let json = ''
    try {
      // As a framework of Python writes it.
      json = JSON.stringify(JSON.parse(body)).replaceAll(
        /[\u0080-\uffff]/g,
        c => `\\u00${c.charCodeAt(0).toString(16)}`,
      )
    } catch {}
    const echo = [...texts, form, json, Buffer.from(body).toString('base64')].join('\n')
    const html = echo.replaceAll('&', '&amp;').replaceAll('"', '&quot;')
    response.writeHead(422, { 'content-type': 'text/plain' }).end(request.headers['x-html'] ? html : echo)
  })
  const executor = new StreamingExecutor(httpTools({ allowPrivateAddresses: true }))
  for (const headers of [{}, { 'x-html': 1 }]) {
    const all = { method: 'POST', url, ...args, headers: { ...headers, ...(args['headers'] as object) } }
    const events: string[] = []
    for await (const event of executor.stream({ tasks: [{ id: 'a', tool: 'http:request', arguments: all }] })) {
      events.push(JSON.stringify(event))
    }
    expect(events.join('\n')).toContain('was answered with 422: ')
    expect(events.join('\n')).not.toMatch(/hunter2|918273645|zebra|aHVudGVyM/)
  }
})

test('parts of a body that are not secret are quoted', async () => {
  const { url } = await startLoopback(async (request, response) =>
    response.writeHead(422, { 'content-type': 'text/plain' }).end(`unknown city ${await readText(request)}`),
  )
  const args = { method: 'POST', url, body: { json: { city: 'Atlantis', token: '$abcdef!?' } } }
  const { message } = await failureOf(httpRig().request(args))
  expect(message).toMatch(/422: unknown city \{"city":"Atlantis","token":"\[redacted\]"\}$/)
})

test('the beginning of a secret at the truncated end of an answer is not revealed', async () => {
  const secret = 'hunter2 '.repeat(1000)
  const { url } = await startLoopback(async (request, response) => {
    const { text } = JSON.parse(await readText(request)) as { text: string }
    response.writeHead(400, { 'content-type': 'text/plain' }).end(`no such key: ${text}`)
  })
  const args = { method: 'POST', url, body: { json: { text: secret, pass: secret } } }
  const { message } = await failureOf(httpRig().request(args))
  expect(message).toMatch(/400: no such key: \[redacted\]$/)
})

test('where a body has too much to search, nothing of the answer is reported', async () => {
  const { url } = await startLoopback(async (request, response) =>
    response.writeHead(400, { 'content-type': 'text/plain' }).end((await readText(request)).slice(0, 50)),
  )
  const tokens = Array.from({ length: 2000 }, (_, index) => `hunter2-${index}`)
  const pairs = tokens.map(token => `key=${token}`).join(' ')
  for (const json of [{ tokens }, { text: pairs }, { text: 'x'.repeat(256 * 1024) }]) {
    const { message } = await failureOf(httpRig().request({ method: 'POST', url, body: { json } }))
    expect(message).toMatch(/400: \[redacted\]$/)
  }
})

test('a path that a server redirects to is reported without what it was sent', async () => {
  const { url } = await startLoopback(({ url: path, headers }, response) => {
    if (path === '/') response.writeHead(302, { location: `/of/${String(headers['x-api-key'])}` }).end()
    else response.writeHead(404).end()
  })
  const { message } = await failureOf(httpRig().get({ url, headers: { 'x-api-key': 'hunter2' } }))
  expect(message).toBe(`\`GET ${url}/of/[redacted]\` was answered with 404`)
})

test('the host that a server redirects to is reported, also where the query had it, unless it has what it was sent', async () => {
  const { url, port } = await startLoopback(({ url: path }, response) => {
    const to = new URL(path ?? '', 'http://any.test').searchParams.get('to')
    response.writeHead(302, { location: to ?? '' }).end()
  })
  const { get } = httpRig({ allowedHosts: ['127.0.0.1'] })
  const messageOf = async (query: Record<string, string>): Promise<string> =>
    (await failureOf(get({ url, query }))).message
  expect(await messageOf({ to: `http://localhost:${port}/inside` })).toContain(
    `\`GET http://localhost:${port}/inside\` goes`,
  )
  const told = await messageOf({ key: 'hunter2hunter2', to: 'http://hunter2hunter2.test/' })
  expect(told).toContain('`GET http://[redacted].test/` goes')
})

test('a long part of the path that a server sends back is not revealed', async () => {
  const { url } = await startLoopback((request, response) =>
    response.writeHead(404, { 'content-type': 'text/plain' }).end(`Cannot GET ${request.url}`),
  )
  const { message } = await failureOf(httpRig().get({ url: `${url}/bot${SECRETS.path}/sendMessage` }))
  expect(message).not.toContain(SECRETS.path)
})

test('a path is reported without its long parts, which may be keys', async () => {
  const { url } = await startLoopback((_, response) => response.writeHead(404).end())
  const { message } = await failureOf(httpRig().get({ url: `${url}/bot${SECRETS.path}/sendMessage?chat=5` }))
  expect(message).toBe(`\`GET ${url}/…/sendMessage\` was answered with 404`)
})

test('arguments of a wrong type are reported without what they hold', async () => {
  const executor = new StreamingExecutor(httpTools())
  const wrong = { url: [`http://user:${SECRETS.password}@x/`], headers: { authorization: [SECRETS.bearer] } }
  const error = await failureOf(executor.execute({ tasks: [{ id: 'a', tool: 'http:get', arguments: wrong }] }))
  expect(error).toMatchObject({ code: 'INVALID_WORKFLOW' })
  expect(findTold(error.message + JSON.stringify(error))).toEqual([])
})
