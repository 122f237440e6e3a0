// Real sockets: the rows of the table of errors that are no status, as undici sees them.
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { OpenRouterProvider, type StreamError } from '../../../src/integrations/llm/index.ts'
import { ask } from './asking.ts'
import { findClosedPort, serveProvider, serveRaw } from './provider-server.ts'
import { collect, DONE, message } from './stream-rig.ts'

const SSE = { 'content-type': 'text/event-stream' }

describe('a connection that', () => {
  test('is refused gives 1000', async () => {
    const { error } = await ask(`http://127.0.0.1:${await findClosedPort()}/v1`)
    expect(error).toMatchObject({ code: 1000, retryable: true, details: { networkCode: 'ECONNREFUSED' } })
  })

  test('leads to a host that does not exist gives 1000', async () => {
    const { error } = await ask('http://no-such-host.invalid/v1')
    expect(error).toMatchObject({ code: 1000, retryable: true })
  })

  test.each<[how: string, answer: (socket: Socket) => void]>([
    ['is reset', socket => socket.resetAndDestroy()],
    ['is closed', socket => socket.end()],
    ['answers what is no HTTP', socket => socket.end('hello\r\n\r\n')],
  ])('%s before the headers gives 1000', async (_, answer) => {
    expect((await ask(await serveRaw(answer))).error).toMatchObject({ code: 1000, retryable: true })
  })

  test.each<[how: string, leave: (response: ServerResponse) => void]>([
    ['reset', response => response.socket?.resetAndDestroy()],
    ['closed', response => response.socket?.end()],
  ])('is %s within the stream gives 1002 after the text so far', async (_, leave) => {
    const { baseURL } = await serveProvider(response => {
      response.writeHead(200, SSE)
      response.write(message('so far'), () => setTimeout(() => leave(response), 20))
    })
    const { error, text, types } = await ask(baseURL)
    expect([text, types]).toEqual(['so far', ['content', 'error']])
    expect(error).toMatchObject({ code: 1002, retryable: true })
  })

  test('is silent before the headers gives 1001', async () => {
    const baseURL = await serveRaw(() => {})
    expect((await ask(baseURL, { firstTokenTimeoutMs: 50 })).error).toMatchObject({ code: 1001, retryable: true })
  })

  test('is silent after the headers gives 1001, and is closed', async () => {
    const server = await serveProvider(response => response.writeHead(200, SSE).flushHeaders())
    expect((await ask(server.baseURL, { idleTimeoutMs: 50 })).error).toMatchObject({ code: 1001, retryable: true })
    await server.closed()
  })

  test('is silent within the stream gives 1001 after the text so far', async () => {
    const server = await serveProvider(response => {
      response.writeHead(200, SSE)
      response.write(message('so far'))
    })
    const { error, text } = await ask(server.baseURL, { idleTimeoutMs: 1000 })
    expect([text, error?.code]).toEqual(['so far', 1001])
    await server.closed()
  })
})

describe('a response of success that', () => {
  const answerWith = async (
    type: string | undefined,
    body: string | Buffer,
    headers = {},
  ): Promise<StreamError | undefined> => {
    const { baseURL } = await serveProvider(response => {
      response.writeHead(200, { ...(type !== undefined && { 'content-type': type }), ...headers })
      response.end(body)
    })
    return (await ask(baseURL)).error
  }

  test.each([
    ['an answer as JSON', 'application/json', '{"choices":[{"message":{"content":"hi"}}]}'],
    ['a page', 'text/html; charset=utf-8', '<html></html>'],
    ['newline-delimited JSON', 'application/x-ndjson', '{}\n'],
  ])('is %s gives 3000', async (_, type, body) => {
    expect(await answerWith(type, body)).toMatchObject({ code: 3000, retryable: false })
  })

  test('is an error as JSON gives 3000, and reports the error', async () => {
    const error = await answerWith('application/json', '{"error":{"message":"No endpoints found","code":404}}')
    expect(error?.code).toBe(3000)
    expect(error?.message).toContain('No endpoints found')
  })

  test('is over 10 MiB gives 2002', async () => {
    const { baseURL } = await serveProvider(response => {
      response.writeHead(200, SSE)
      const line = message('x'.repeat(60_000))
      for (let sent = 0; sent < 11 * 1024 * 1024; sent += line.length) response.write(line)
      response.end(DONE)
    })
    const { error, text } = await ask(baseURL)
    expect(error).toMatchObject({ code: 2002, retryable: false })
    expect(text.length).toBeLessThanOrEqual(10 * 1024 * 1024)
  })

  test('has no body gives 2002', async () => {
    const { baseURL } = await serveProvider(response => response.writeHead(204).end())
    expect((await ask(baseURL)).error).toMatchObject({ code: 2002, retryable: false })
  })

  test('is compressed, and is not, gives 2002', async () => {
    expect(await answerWith('text/event-stream', 'not gzip at all', { 'content-encoding': 'gzip' })).toMatchObject({
      code: 2002,
      retryable: false,
    })
  })

  test('has a message that is not JSON gives 3001', async () => {
    expect(await answerWith('text/event-stream', 'data: {nope}\n\n')).toMatchObject({ code: 3001, retryable: true })
  })

  test('ends without an ending gives 3002', async () => {
    expect(await answerWith('text/event-stream', message('half'))).toMatchObject({ code: 3002, retryable: true })
  })

  test('is compressed, or has no type, is read', async () => {
    const body = `${message('hi', 'stop')}${DONE}`
    expect(await answerWith('text/event-stream', gzipSync(body), { 'content-encoding': 'gzip' })).toBeUndefined()
    expect(await answerWith(undefined, body)).toBeUndefined()
  })
})

test('a key that is missing or cannot be sent gives 4001, and nothing is sent', async () => {
  const { baseURL, requests } = await serveProvider(response => response.end())
  const saved = process.env['OPENROUTER_API_KEY']
  delete process.env['OPENROUTER_API_KEY']
  try {
    for (const apiKey of [undefined, '', '  ', 'with\nline', 'schlüssel']) {
      const provider = new OpenRouterProvider({ baseURL, ...(apiKey !== undefined && { apiKey }) })
      const events = await collect(provider)
      expect(events).toMatchObject([{ eventId: 1_000_000_001, type: 'error', data: { code: 4001, retryable: false } }])
      if (apiKey) expect(JSON.stringify(events)).not.toContain(apiKey.trim() || 'undefined')
    }
    process.env['OPENROUTER_API_KEY'] = 'from-environment'
    await collect(new OpenRouterProvider({ baseURL }))
  } finally {
    if (saved === undefined) delete process.env['OPENROUTER_API_KEY']
    else process.env['OPENROUTER_API_KEY'] = saved
  }
  expect(requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer from-environment'])
})
