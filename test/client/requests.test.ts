import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { type ClientOptions, createClient } from '../../src/client/index.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { clientRig, ONE_TASK } from './client-rig.ts'
import { json, noContent, problem, refused, RESULT, SHOWN } from './fake-server.ts'

test.each([
  ['http://server', 'http://server/executions'],
  ['http://server/', 'http://server/executions'],
  ['http://server:8321/api', 'http://server:8321/api/executions'],
  ['https://server/api/v1/', 'https://server/api/v1/executions'],
  [new URL('http://server/a%20b'), 'http://server/a%20b/executions'],
])('the routes begin at %s', async (url, expected) => {
  const urls: string[] = []
  const answer = (request: Request): Response => {
    urls.push(request.url)
    return Response.json(RESULT, { headers: { 'Execution-Id': 'x' } })
  }
  await clientRig([answer], { url }).client.execute(ONE_TASK)
  expect(urls).toEqual([expected])
})

test.each([undefined, null, 5, '', 'server', '/api', 'ftp://server', 'ws://server', 'http://'])(
  'a url that is %j is refused',
  url => {
    const options = { url } as unknown as ClientOptions
    expect(() => createClient(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  },
)

test.each(['', 'localhost:8321', 'server?token=hunter2', '/api', 'ftp://server', undefined])(
  'of a url that is %j the message says how one begins, and repeats nothing of it',
  url => {
    const begin = 'Expected `url` to begin with `http://` or `https://`; a path alone works only in a page'
    const found = url === undefined ? '; got undefined' : ''
    expect(() => createClient({ url } as unknown as ClientOptions)).toThrow(
      expect.objectContaining({ message: begin + found }),
    )
  },
)

test('of a url that begins well the message says what else it needs', () => {
  expect(() => createClient({ url: 'http://server:99999' })).toThrow(
    'Expected `url` to have a host, and a port from 0 to 65535 if any',
  )
})

test('in a page a path is enough', async () => {
  vi.stubGlobal('location', { href: 'https://page.example/deep/index.html?x' })
  const urls: string[] = []
  const answer = (request: Request): Response => {
    urls.push(request.url)
    return new Response(null, { status: 202 })
  }
  try {
    await clientRig([answer], { url: '/api' }).client.cancel('x')
  } finally {
    vi.unstubAllGlobals()
  }
  expect(urls).toEqual(['https://page.example/api/executions/x/cancel'])
})

test.each(['http://me:hunter2@server', 'http://server/?token=hunter2', 'http://server/#hunter2'])(
  'secrets in a url are refused, and the message does not repeat them',
  url => {
    let message = ''
    try {
      createClient({ url })
    } catch (error) {
      message = String(error)
    }
    expect(message).toContain('`headers`')
    expect(message).not.toContain('hunter2')
  },
)

test('headers are computed again for each request, and no failure shows them', async () => {
  let count = 0
  const headers = async (): Promise<Record<string, string>> => {
    count += 1
    return { Authorization: `Bearer secret-${count}`, Accept: 'text/html', 'Idempotency-Key': 'mine' }
  }
  const { client, server, clock } = clientRig([refused(), problem(401, { title: 'Unauthorized' })], { headers })
  const executing = client.execute(ONE_TASK)
  executing.catch(() => {})
  await clock.run(1000)
  const error: unknown = await executing.catch((reason: unknown) => reason)
  expect(server.sent('authorization')).toEqual(['Bearer secret-1', 'Bearer secret-2'])
  // What makes the request what it is cannot be replaced.
  expect(server.sent('accept')).toEqual(['application/json', 'application/json'])
  expect(server.sent('idempotency-key')).not.toContain('mine')
  expect(JSON.stringify(error) + String(error)).not.toContain('secret')
})

test.each([{ 'X-Own': 'yes' }, new Headers({ 'X-Own': 'yes' }), [['X-Own', 'yes']] as [string, string][]])(
  'headers may be in any form of them',
  async headers => {
    const { client, server } = clientRig([noContent, json(SHOWN)], { headers })
    await client.subscribe('x').result
    expect(server.sent('x-own')).toEqual(['yes', 'yes'])
  },
)

test('an error of the function for headers ends the call, unless it is a network error', async () => {
  const failures = [new TypeError('fetch failed'), new Error('the token store is locked')]
  const headers = (): Promise<HeadersInit> => Promise.reject(failures.shift() ?? new Error('asked too often'))
  const { client, server, clock } = clientRig([], { headers })
  const executing = client.execute(ONE_TASK)
  executing.catch(() => {})
  await clock.run(1000)
  await expect(executing).rejects.toThrow('the token store is locked')
  expect([server.requests, clock.timerCount]).toEqual([[], 0])
})

test('`fetch` is called without `this`, and the global one is looked up when it is needed', async () => {
  const seen: unknown[] = []
  async function fetch(this: unknown): Promise<Response> {
    seen.push(this)
    return Response.json(RESULT, { headers: { 'Execution-Id': 'x' } })
  }
  await createClient({ url: 'http://server', fetch }).execute(ONE_TASK)
  const client = createClient({ url: 'http://server' })
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json(RESULT, { headers: { 'Execution-Id': 'x' } })))
  try {
    expect(await client.execute(ONE_TASK)).toEqual(RESULT)
  } finally {
    vi.unstubAllGlobals()
  }
  expect(seen).toEqual([undefined])
})

test.each([
  { fetch: 5 },
  { headers: 5 },
  { headers: null },
  { idleTimeoutMs: 0 },
  { idleTimeoutMs: Number.POSITIVE_INFINITY },
  { idleTimeoutMs: '5' },
  { clock: {} },
  { random: 1 },
  { reconnection: 5 },
  { reconnection: { maxRetries: -1 } },
  { reconnection: { retries: 1 } },
  { token: 'secret' },
])('%o is refused before anything is sent', options => {
  const all = { url: 'http://server', ...options } as unknown as ClientOptions
  expect(() => createClient(all)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test('a workflow that is not JSON, and options that are invalid, are refused before anything is sent', async () => {
  const { client, server } = clientRig([])
  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic
  const refused = [{ input: 5n }, { input: cyclic }, { nonsense: 1 }, { signal: 5 }, 5, null] as object[]
  for (const options of refused) {
    await expect(client.execute(ONE_TASK, options)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(() => client.stream(ONE_TASK, options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  }
  for (const options of [{ from: 'x.1' }, 5, null] as object[]) {
    expect(() => client.subscribe('x', options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  }
  await expect(client.execute('{}')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  await expect(client.cancel('a/b')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  expect(server.requests).toEqual([])
})

test('one signal may be given to any number of calls', async () => {
  const { signal } = new AbortController()
  const add = vi.spyOn(signal, 'addEventListener')
  const remove = vi.spyOn(signal, 'removeEventListener')
  const answers = Array.from({ length: 50 }, () => json(RESULT))
  const { client } = clientRig(answers, { clock: new FakeClock() })
  await Promise.all(answers.map(() => client.execute(ONE_TASK, { signal })))
  expect(add.mock.calls.length).toBe(remove.mock.calls.length)
})

test('the client pulls in no package and no module of Node', () => {
  const root = join(dirname(fileURLToPath(import.meta.url)), '../../src')
  const foreign: string[] = []
  const seen = new Set<string>()
  const visit = (path: string): void => {
    if (seen.has(path)) return
    seen.add(path)
    const text = readFileSync(path, 'utf8')
    for (const [, clause, from] of text.matchAll(/^(?:import|export)\b([^'"`;]*?)from '([^']+)'/gm)) {
      const isTypeOnly = /^\s*type\b/.test(clause ?? '') || /^\s*\{(?:\s*type [^,}]+,?)+\s*\}\s*$/.test(clause ?? '')
      if (isTypeOnly) continue
      if (from?.startsWith('.')) visit(join(dirname(path), from))
      else foreign.push(`${path} imports ${from}`)
    }
  }
  visit(join(root, 'client/index.ts'))
  expect(foreign).toEqual([])
  expect(seen.size).toBeLessThan(45)
})
