import { expect, test } from 'vitest'
import { StreamingExecutor } from '../../../src/index.ts'
import { httpTools } from '../../../src/tools/http/index.ts'
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
])('no secret is told in errors or events of %s', async (_, path, headers, options) => {
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

test('what a server sends back is told without them', async () => {
  const { url } = await startLoopback(({ headers }, response) =>
    response.writeHead(403).end(`no such token: ${headers.authorization?.slice('Bearer '.length)}!`),
  )
  const { message } = await failureOf(httpRig().get({ url, headers: { authorization: `Bearer ${SECRETS.bearer}` } }))
  expect(message).toBe(`\`GET ${url}/\` was answered with 403: no such token: [redacted]!`)
})

test('a path is told without its long parts, which may be keys', async () => {
  const { url } = await startLoopback((_, response) => response.writeHead(404).end())
  const { message } = await failureOf(httpRig().get({ url: `${url}/bot${SECRETS.path}/sendMessage?chat=5` }))
  expect(message).toBe(`\`GET ${url}/…/sendMessage\` was answered with 404`)
})

test('arguments of a wrong type are told without what they hold', async () => {
  const executor = new StreamingExecutor(httpTools())
  const wrong = { url: [`http://user:${SECRETS.password}@x/`], headers: { authorization: [SECRETS.bearer] } }
  const error = await failureOf(executor.execute({ tasks: [{ id: 'a', tool: 'http:get', arguments: wrong }] }))
  expect(error).toMatchObject({ code: 'INVALID_WORKFLOW' })
  expect(findTold(error.message + JSON.stringify(error))).toEqual([])
})
