import { describe, expect, test, vi } from 'vitest'
import { createHandler } from 'dagstream/http'
import { handlerRig, ONE_TASK, readProblem } from '../handler/handler-rig.ts'

const TOKEN = 'correct-horse.battery_staple~1+/='
const right = { Authorization: `Bearer ${TOKEN}` }

const PATHS = [
  ['GET', '/executions'],
  ['GET', '/executions/x1'],
  ['GET', '/executions/x1/events'],
  ['GET', '/executions/x1/tasks/a/output'],
  ['GET', '/executions/x1/tasks/a'],
  ['GET', '/executions/x1/graph'],
  ['POST', '/executions/x1/token'],
  ['POST', '/executions'],
  ['POST', '/executions/x1/cancel'],
  ['DELETE', '/executions/x1'],
  ['POST', '/workflows/validate'],
  ['GET', '/workflows/schema'],
  ['GET', '/workflows'],
  ['GET', '/workflows/one'],
  ['POST', '/workflows/one/executions'],
  ['GET', '/tools'],
  ['GET', '/healthz'],
  ['GET', '/metrics'],
  ['GET', '/openapi.json'],
  ['GET', '/none'],
  ['PUT', '/executions'],
  ['HEAD', '/executions'],
  ['OPTIONS', '/executions'],
] as const

const WRONG: readonly (readonly [string, string | undefined])[] = [
  ['none', undefined],
  ['empty', ''],
  ['the scheme alone', 'Bearer'],
  ['the scheme and a space', 'Bearer '],
  ['another scheme', `Basic ${btoa(`user:${TOKEN}`)}`],
  ['the token alone', TOKEN],
  ['no space', `Bearer${TOKEN}`],
  ['a wrong token', 'Bearer wrong'],
  ['the beginning of it', `Bearer ${TOKEN.slice(0, -2)}`],
  ['more than it', `Bearer ${TOKEN}=`],
  ['another case', `Bearer ${TOKEN.toUpperCase()}`],
  ['two', `Bearer ${TOKEN}, Bearer ${TOKEN}`],
  ['quotes', `Bearer "${TOKEN}"`],
  ['something behind it', `Bearer ${TOKEN} x`],
  ['a very long one', `Bearer ${'x'.repeat(100_000)}`],
  ['no ASCII', 'Bearer ÿ'],
]

describe('without the right token every route is answered with 401 and a challenge', () => {
  test.each(WRONG)('%s', async (_, authorization) => {
    const { send, tool, log } = handlerRig({ token: TOKEN })
    for (const [method, path] of PATHS) {
      const headers = authorization === undefined ? {} : { Authorization: authorization }
      const init = method === 'POST' ? { headers, body: ONE_TASK } : { headers }
      const response = await send(method, path, init)
      expect([method, path, response.status]).toEqual([method, path, 401])
      expect(response.headers.get('www-authenticate')).toMatch(/^Bearer /)
      const told = `${JSON.stringify([...response.headers])}${await response.text()}${log.join()}`
      expect(told).not.toContain('correct-horse')
      const sent = authorization?.replace(/^Bearer ?/, '')
      if (sent) expect(told).not.toContain(sent)
    }
    await tool.idle()
    expect(tool.started).toEqual([])
  })
})

test('with it every route answers as it does without tokens, in any case of the scheme', async () => {
  const { send } = handlerRig({ token: TOKEN })
  const plain = handlerRig()
  for (const [method, path] of PATHS) {
    for (const scheme of ['Bearer', 'bearer', 'BEARER']) {
      const headers = { Authorization: `${scheme} ${TOKEN}` }
      const response = await send(method, path, { headers })
      expect([method, path, response.status]).toEqual([method, path, (await plain.send(method, path)).status])
      await response.body?.cancel()
    }
  }
})

test('each of several tokens opens, so that one can be replaced without a gap', async () => {
  const { send } = handlerRig({ token: ['old', 'new'] })
  const status = async (token: string): Promise<number> =>
    (await send('GET', '/executions', { headers: { Authorization: `Bearer ${token}` } })).status
  expect([await status('old'), await status('new'), await status('older')]).toEqual([200, 200, 401])
})

test.each(['token', 'access_token', 'authorization'])('a token in the URL as %s opens nothing', async name => {
  const { send } = handlerRig({ token: TOKEN })
  const response = await send('GET', `/executions?${name}=${encodeURIComponent(TOKEN)}`)
  expect((await readProblem(response)).status).toBe(401)
})

test('tokens are compared by their digests, in a time that does not reveal how much of one is right', async () => {
  const digest = vi.spyOn(crypto.subtle, 'digest')
  const { send } = handlerRig({ token: TOKEN })
  for (const token of ['x', TOKEN.slice(0, -1), TOKEN]) {
    digest.mockClear()
    await send('GET', '/healthz', { headers: { Authorization: `Bearer ${token}` } })
    expect(digest.mock.calls.map(([algorithm, data]) => [algorithm, decode(data)])).toEqual([
      [{ name: 'SHA-256' }, TOKEN],
      [{ name: 'SHA-256' }, token],
    ])
  }
  digest.mockRestore()
})

test('a request without a token has nothing begun for it, however large its body', async () => {
  const { handler } = handlerRig({ token: TOKEN })
  let sent = 0
  const body = new ReadableStream(
    {
      pull(controller) {
        sent += 1
        controller.enqueue(new Uint8Array(65_536))
      },
    },
    { highWaterMark: 0 },
  )
  const init = { method: 'POST', body, duplex: 'half', headers: { 'Content-Type': 'application/json' } }
  const response = await handler.fetch(new Request('http://localhost/executions', init))
  expect([response.status, sent]).toEqual([401, 0])
})

test.each(['', 'a b', 'é', [], ['ok', ''], 5, null])('the token %j is refused when the handler is made', token => {
  expect(() => createHandler({ tools: {}, token: token as string })).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  )
})

test('a refused token is not revealed', () => {
  expect(() => createHandler({ tools: {}, token: 'my secret' })).toThrow(/^(?!.*secret)/)
})

test('the right token does not stand in for permission', async () => {
  const { send } = handlerRig({ token: TOKEN, authorize: () => new Response(null, { status: 403 }) })
  expect((await send('GET', '/executions', { headers: right })).status).toBe(403)
})

function decode(data: BufferSource): string {
  return new TextDecoder().decode(data)
}
