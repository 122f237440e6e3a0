import { describe, expect, test } from 'vitest'
import { idle } from '../../support/fake-clock.ts'
import { handlerRig, ONE_TASK, readProblem, STREAM } from '../handler/handler-rig.ts'

const ORIGIN = 'https://app.example'

describe('hosts', () => {
  const send = async (host: string | undefined, url = 'http://localhost/healthz'): Promise<Response> => {
    const { handler } = handlerRig({ allowedHosts: ['localhost', '127.0.0.1', '[::1]', 'Tools.Example'] })
    return handler.fetch(new Request(url, host === undefined ? {} : { headers: { Host: host } }))
  }

  test.each([
    'localhost',
    'LOCALHOST',
    'localhost:8321',
    '127.0.0.1:1',
    '[::1]',
    '[::1]:8321',
    'tools.example',
    'localhost:',
  ])('%j is answered', async host => expect((await send(host)).status).toBe(200))

  test.each([
    'evil.example',
    'localhost.evil.example',
    'evil.example:localhost',
    'localhost@evil.example',
    'localhost.',
    '127.0.0.1.nip.io',
    '127.1',
    '0.0.0.0',
    '[::]',
    '::1',
    'localhost, evil.example',
    'localhost:80:80',
    '',
  ])('%j is answered with 403', async host => {
    const problem = await readProblem(await send(host))
    expect(problem).toMatchObject({ status: 403, code: 'HOST_NOT_ALLOWED' })
  })

  test('the one in the URL counts where there is no header', async () => {
    expect((await send(undefined)).status).toBe(200)
    expect((await send(undefined, 'http://evil.example/healthz')).status).toBe(403)
  })

  test('any is answered where none are named', async () => {
    const { get } = handlerRig()
    expect((await get('/healthz', { Host: 'evil.example' })).status).toBe(200)
  })

  test('a wrong one has nothing done for it, whatever else the request carries', async () => {
    const { create, tool } = handlerRig({ allowedHosts: ['localhost'], token: 't', allowedOrigins: [ORIGIN] })
    const response = await create(ONE_TASK, { Host: 'evil.example', Authorization: 'Bearer t', Origin: ORIGIN })
    expect(response.status).toBe(403)
    await tool.idle()
    expect(tool.started).toEqual([])
  })
})

describe('pages of other origins', () => {
  const preflight = {
    Origin: ORIGIN,
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'authorization,content-type,idempotency-key,last-event-id',
  }

  test('may read nothing by default', async () => {
    const { get, create, send } = handlerRig({ tools: { work: () => 1 } })
    const responses = [
      await get('/executions', { Origin: ORIGIN }),
      await create(ONE_TASK, { Origin: ORIGIN, Accept: STREAM }),
      await get('/none', { Origin: ORIGIN }),
      await send('OPTIONS', '/executions', { headers: preflight }),
    ]
    for (const { headers, body } of responses) {
      expect([...headers.keys()].filter(name => name.startsWith('access-control-'))).toEqual([])
      await body?.cancel()
    }
    expect(responses[3]?.status).toBe(405)
  })

  test('that are named may read answers of every kind, and send what an answer depends on', async () => {
    const { get, create, send } = handlerRig({ tools: { work: () => 1 }, allowedOrigins: [ORIGIN], token: 't' })
    const headers = { Origin: ORIGIN, Authorization: 'Bearer t' }
    const asked = await send('OPTIONS', '/executions', { headers: preflight })
    expect(asked.status).toBe(204)
    expect(asked.headers.get('access-control-allow-origin')).toBe(ORIGIN)
    expect(asked.headers.get('access-control-allow-methods')).toMatch(/\bPOST\b.*\bDELETE\b|\bDELETE\b.*\bPOST\b/)
    for (const name of preflight['Access-Control-Request-Headers'].split(',')) {
      expect(asked.headers.get('access-control-allow-headers')?.split(',')).toContain(name)
    }
    const responses = [
      await get('/executions', headers),
      await create(ONE_TASK, { ...headers, Accept: STREAM }),
      await create(ONE_TASK, headers),
      await create({}, headers),
      await get('/executions/none', headers),
      await get('/none', headers),
      await get('/executions', { Origin: ORIGIN }),
    ]
    expect(responses.map(({ status }) => status)).toEqual([200, 200, 200, 422, 404, 404, 401])
    for (const response of responses) {
      expect(response.headers.get('access-control-allow-origin')).toBe(ORIGIN)
      expect(response.headers.get('access-control-expose-headers')).toContain('Execution-Id')
      expect(response.headers.get('access-control-allow-credentials')).toBeNull()
      expect(response.headers.get('vary')?.toLowerCase()).toContain('origin')
      await response.body?.cancel()
    }
  })

  test.each([
    'https://evil.example',
    'https://app.example.evil',
    'http://app.example',
    'https://app.example:444',
    'null',
  ])('that are not named may not: %s', async origin => {
    const { get, send } = handlerRig({ allowedOrigins: [ORIGIN] })
    for (const response of [
      await get('/executions', { Origin: origin }),
      await send('OPTIONS', '/executions', { headers: { ...preflight, Origin: origin } }),
    ]) {
      expect(response.headers.get('access-control-allow-origin')).toBeNull()
    }
  })
})

describe('requests that a page can send without a preflight start nothing', () => {
  test.each([
    'text/plain',
    'text/plain; charset=application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/json-seq',
    'text/json',
    'application/jsonx; q=json',
    '',
  ])('%j: 415', async type => {
    const { send, tool } = handlerRig({ workflows: { one: ONE_TASK } })
    for (const path of ['/executions', '/workflows/validate', '/workflows/one/executions']) {
      const response = await send('POST', path, { headers: { 'Content-Type': type }, body: ONE_TASK })
      expect((await readProblem(response)).status).toBe(415)
    }
    await tool.idle()
    expect(tool.started).toEqual([])
  })

  test('no type at all: 415', async () => {
    const { handler, tool } = handlerRig()
    const body = new TextEncoder().encode(JSON.stringify(ONE_TASK))
    const response = await handler.fetch(new Request('http://localhost/executions', { method: 'POST', body }))
    expect((await readProblem(response)).status).toBe(415)
    await tool.idle()
    expect(tool.started).toEqual([])
  })
})

test('every kind of answer carries the headers that keep a browser from misusing it', async () => {
  const { get, create, send, handler } = handlerRig({ tools: { work: () => 1 }, maxSubscribers: 1 })
  const stalled = await create(ONE_TASK, { Accept: STREAM })
  await idle()
  const responses = [
    stalled,
    await create(ONE_TASK),
    await create(ONE_TASK, { Prefer: 'respond-async' }),
    await get('/executions/x1'),
    await get('/executions/x1/tasks/a/output'),
    await get('/executions/x1/events'),
    await get('/executions/none'),
    await get('/none'),
    await create('{'),
    await create({}),
    await create(' '.repeat(2_000_000)),
    await create(ONE_TASK, { 'Content-Type': 'text/plain' }),
    await create(ONE_TASK, { Accept: 'text/html' }),
    await send('PUT', '/executions'),
    await send('HEAD', '/executions'),
    await get('/metrics'),
  ]
  await idle()
  responses.push(await send('DELETE', '/executions/x3'))
  expect(responses.map(({ status }) => status)).toEqual([
    200, 200, 202, 200, 200, 429, 404, 404, 400, 422, 413, 415, 406, 405, 200, 200, 204,
  ])
  for (const { headers } of responses) {
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.has('x-powered-by')).toBe(false)
  }
  for (const { body } of responses) await body?.cancel()
  await handler.close()
})
