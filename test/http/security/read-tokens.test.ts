import { describe, expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/index.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { type HandlerRig, handlerRig, ONE_TASK, readMessages, readProblem, STREAM } from '../handler/handler-rig.ts'

const SERVER = { Authorization: 'Bearer server' }

async function rigWithToken(
  options: Parameters<typeof handlerRig>[0] = {},
): Promise<{ rig: HandlerRig; token: string }> {
  const rig = handlerRig({ tools: { work: () => 1 }, token: 'server', ...options })
  await (await rig.create(ONE_TASK, SERVER)).text()
  return { rig, token: await issue(rig) }
}

async function issue({ send }: HandlerRig, body?: object, headers = SERVER): Promise<string> {
  const response = await send('POST', '/executions/x1/token', { headers, ...(body && { body }) })
  expect(response.status).toBe(201)
  return ((await response.json()) as { token: string }).token
}

const READS = ['', '/events', '/graph', '/tasks/a', '/tasks/a/output', '/inputs']

describe('a read token', () => {
  test('opens the GET routes of its execution, and nothing else', async () => {
    const { rig, token } = await rigWithToken()
    await (await rig.create(ONE_TASK, SERVER)).text()
    for (const path of READS) {
      const answer = await rig.get(`/executions/x1${path}?token=${token}`)
      expect([path, answer.status]).toEqual([path, 200])
      await answer.text()
      const foreign = await rig.get(`/executions/x2${path}?token=${token}`)
      expect((await readProblem(foreign)).code).toBe('INVALID_READ_TOKEN')
    }
    const refused = [
      ['POST', '/executions/x1/cancel'],
      ['POST', '/executions/x1/fork'],
      ['POST', '/executions/x1/token'],
      ['DELETE', '/executions/x1'],
      ['GET', '/executions/x1/request'],
      ['GET', '/executions'],
      ['GET', '/tools'],
      ['GET', '/inputs'],
    ] as const
    for (const [method, path] of refused) {
      const response = await rig.send(method, `${path}?token=${token}`, method === 'POST' ? { body: {} } : {})
      expect([path, response.status]).toEqual([path, 401])
    }
    const asBearer = await rig.get('/executions/x1', { Authorization: `Bearer ${token}` })
    expect(asBearer.status).toBe(401)
  })

  test('streams events as the server token does', async () => {
    const { rig, token } = await rigWithToken()
    const own = await readMessages(await rig.get('/executions/x1/events', SERVER))
    expect(await readMessages(await rig.get(`/executions/x1/events?token=${token}`, { Accept: STREAM }))).toEqual(own)
  })

  test('ends at its time, and says when that is', async () => {
    const { rig } = await rigWithToken()
    const made = await rig.send('POST', '/executions/x1/token', { headers: SERVER, body: { expiresMs: 1000 } })
    const { token, expiresAt } = await made.json()
    expect(expiresAt).toBe(new Date(FakeClock.START + 1000).toISOString())
    await rig.clock.run(999)
    expect((await rig.get(`/executions/x1?token=${token}`)).status).toBe(200)
    await rig.clock.run(1)
    const late = await rig.get(`/executions/x1?token=${token}`)
    expect([late.status, late.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^Bearer /)])
  })

  test('is good after a restart with the same server token and store, and not with another token', async () => {
    const store = createMemoryStore()
    const { token } = await rigWithToken({ store })
    const status = async (server: string | readonly string[]): Promise<number> =>
      (await handlerRig({ store, token: server }).get(`/executions/x1?token=${token}`)).status
    expect([await status('server'), await status(['new', 'server']), await status('new')]).toEqual([200, 200, 401])
    const { rig, token: random } = await rigWithToken({ store: createMemoryStore(), token: undefined as never })
    expect((await rig.get(`/executions/x1?token=${random}`)).status).toBe(200)
  })

  test('is gone with its execution', async () => {
    const { rig, token } = await rigWithToken()
    await rig.send('DELETE', '/executions/x1', { headers: SERVER })
    expect((await rig.get(`/executions/x1?token=${token}`)).status).toBe(401)
  })

  test('reads in the place of the owner, for whom `authorize` has allowed it once', async () => {
    const asked: string[] = []
    const rig = handlerRig({
      tools: { work: () => 1 },
      authorize: ({ headers }, { action }) => {
        asked.push(action)
        const owner = headers.get('x-user')
        return owner === null ? new Response(null, { status: 403 }) : { owner }
      },
    })
    const ada = { 'X-User': 'ada' }
    await (await rig.create(ONE_TASK, ada)).text()
    expect((await rig.send('POST', '/executions/x1/token', { headers: { 'X-User': 'eve' } })).status).toBe(404)
    const token = await issue(rig, undefined, ada as never)
    expect(asked).toEqual(['create', 'token', 'token'])
    expect((await rig.get(`/executions/x1?token=${token}`)).status).toBe(200)
    expect(asked).toHaveLength(3)
  })

  test('that was changed, repeated or made up is refused alike, on an open server too', async () => {
    const { rig, token } = await rigWithToken()
    const open = handlerRig({ tools: { work: () => 1 } })
    await (await open.create(ONE_TASK)).text()
    const [time = '', signature = ''] = token.split('.')
    const later = (Number.parseInt(time, 36) + 1).toString(36)
    const other = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
    const wrong = ['', 'x', `${later}.${signature}`, `${time}.${other}`, `${token}&token=${token}`, `${token}x`]
    for (const each of wrong) {
      for (const { get } of [rig, open]) {
        const problem = await readProblem(await get(`/executions/x1?token=${each}`))
        expect([each, problem.status, problem.code]).toEqual([each, 401, 'INVALID_READ_TOKEN'])
        expect(JSON.stringify(problem)).not.toContain(signature)
      }
    }
    expect((await open.get('/executions?token=x')).status).toBe(200)
    expect([...rig.log, ...open.log].join()).not.toContain(signature)
  })

  test.each([
    { expiresMs: 0 },
    { expiresMs: 2_592_000_001 },
    { expiresMs: '1' },
    { expires: 1 },
    [],
    { expiresMs: 1.5 },
  ])('is not made for the body %j', async body => {
    const { rig } = await rigWithToken()
    expect((await rig.send('POST', '/executions/x1/token', { headers: SERVER, body })).status).toBe(400)
  })
})
