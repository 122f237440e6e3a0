import { describe, expect, test } from 'vitest'
import type { AccessContext, Authorize } from 'dagstream/http'
import { type HandlerRig, handlerRig, ONE_TASK, readProblem, type SendInit, STREAM } from '../handler/handler-rig.ts'

type Route = readonly [action: string, method: string, path: string, init?: SendInit]

/** Every route, with what it asks for. */
const ROUTES: readonly Route[] = [
  ['create', 'POST', '/executions', { body: ONE_TASK }],
  ['list', 'GET', '/executions'],
  ['read', 'GET', '/executions/x1'],
  ['subscribe', 'GET', '/executions/x1/events'],
  ['subscribe', 'GET', '/executions/x1/events?after=x1.1'],
  ['output', 'GET', '/executions/x1/tasks/a/output'],
  ['output', 'GET', '/executions/x1/tasks/a'],
  ['read', 'GET', '/executions/x1/graph'],
  ['token', 'POST', '/executions/x1/token'],
  ['read', 'GET', '/executions/x1/inputs'],
  ['answer', 'POST', '/executions/x1/inputs/a.1', { body: { decline: true } }],
  ['list', 'GET', '/inputs'],
  ['cancel', 'POST', '/executions/x1/cancel'],
  ['delete', 'DELETE', '/executions/x1'],
  ['validate', 'POST', '/workflows/validate', { body: ONE_TASK }],
  ['schema', 'GET', '/workflows/schema'],
  ['workflows', 'GET', '/workflows'],
  ['tools', 'GET', '/tools'],
  ['workers', 'GET', '/workers'],
  ['health', 'GET', '/healthz'],
  ['metrics', 'GET', '/metrics'],
  ['openapi', 'GET', '/openapi.json'],
]

/** The routes of one execution, a reconnect by `POST` among them. */
const OF_ONE: readonly Route[] = [
  ...ROUTES.filter(([, , path]) => path.includes('x1')),
  ['subscribe', 'POST', '/executions', { body: ONE_TASK, headers: { 'Last-Event-ID': 'x1.1', Accept: STREAM } }],
]

/** The caller is in `X-User`; without it there is no owner. */
const byUser: Authorize = ({ headers }) => {
  const owner = headers.get('x-user')
  return owner === null ? {} : { owner }
}

const as = (user: string | undefined): Record<string, string> => (user === undefined ? {} : { 'X-User': user })

async function send(rig: HandlerRig, user: string | undefined, route: Route): Promise<Response> {
  const [, method, path, init = {}] = route
  return rig.send(method, path, { ...init, headers: { ...init.headers, ...as(user) } })
}

test('it is called on every route, once, with the action of the request', async () => {
  const asked: AccessContext[] = []
  const rig = handlerRig({
    tools: { work: () => 1 },
    authorize(request, context) {
      asked.push(context)
      return byUser(request, context)
    },
  })
  await (await rig.create(ONE_TASK, as('ada'))).text()
  const deletion = ROUTES.find(([action]) => action === 'delete') as Route
  const others = [...ROUTES, ...OF_ONE].filter(route => route !== deletion)
  for (const route of [...others, deletion]) {
    const [action, method] = route
    asked.length = 0
    const { body } = await send(rig, 'ada', route)
    await body?.cancel()
    const isOfOne = route[2].includes('x1') || route[3]?.headers !== undefined
    const context = isOfOne ? { action, executionId: 'x1', owner: 'ada' } : { action }
    expect([method, asked.at(-1)]).toEqual([method, context])
    // A POST is asked about as such before what it comes back to is known.
    expect(asked).toHaveLength(route[3]?.headers ? 2 : 1)
  }
})

test('it receives the owner of an existing execution, and none for a missing one', async () => {
  const asked: AccessContext[] = []
  const rig = handlerRig({
    authorize(request, context) {
      asked.push(context)
      return byUser(request, context)
    },
  })
  await rig.begin(ONE_TASK, as('ada'))
  await rig.get('/executions/x1', as('eve'))
  await rig.get('/executions/x2', as('eve'))
  await rig.get('/executions/a.b', as('eve'))
  expect(asked.slice(1)).toEqual([
    { action: 'read', executionId: 'x1', owner: 'ada' },
    { action: 'read', executionId: 'x2' },
    { action: 'read', executionId: 'a.b' },
  ])
})

describe('the execution of another owner is answered like one that does not exist', () => {
  test.each(OF_ONE.map(route => ({ name: `${route[0]} by ${route[1]} ${route[2]}`, route })))(
    '$name',
    async ({ route }) => {
      const rig = handlerRig({ authorize: byUser })
      await rig.begin(ONE_TASK, as('ada'))
      const call = await rig.tool.nextCall('a')
      for (const isOver of [false, true]) {
        for (const user of ['eve', undefined]) {
          const foreign = await send(rig, user, route)
          const [, method, path, init = {}] = route
          const none = await rig.send(method, path.replaceAll('x1', 'nil'), {
            ...init,
            headers: { ...init.headers, ...(init.headers && { 'Last-Event-ID': 'nil.1' }), ...as(user) },
          })
          expect([foreign.status, await foreign.text()]).toEqual([404, await none.text()])
          expect([...foreign.headers]).toEqual([...none.headers])
        }
        if (!isOver) call.succeed()
        await rig.tool.idle()
      }
      expect(call.context.signal.aborted).toBe(false)
      expect(await (await rig.get('/executions/x1', as('ada'))).json()).toMatchObject({ status: 'success' })
      expect(rig.tool.started).toEqual(['a'])
    },
  )

  test('also executions without an owner, for a caller that is one', async () => {
    const rig = handlerRig({ authorize: byUser })
    await rig.begin(ONE_TASK)
    expect((await rig.get('/executions/x1', as('ada'))).status).toBe(404)
    expect((await rig.get('/executions/x1')).status).toBe(200)
  })

  test('by an idempotency key too', async () => {
    const rig = handlerRig({ authorize: byUser })
    const key = { 'Idempotency-Key': 'k', Prefer: 'respond-async' }
    await rig.begin(ONE_TASK, { ...key, ...as('ada') })
    const foreign = await rig.create(ONE_TASK, { ...key, ...as('eve') })
    expect(foreign.headers.get('execution-id')).not.toBe('x1')
    // Not even a conflict tells that there is one.
    expect((await rig.create({ tasks: [] }, { ...key, ...as('joe') })).status).toBe(202)
  })
})

test('a list is of the asker’s own alone, also over pages', async () => {
  const rig = handlerRig({ authorize: byUser })
  const users = ['ada', undefined, 'eve']
  for (let at = 0; at < 30; at++) {
    await rig.begin(ONE_TASK, as(users[at % 3]))
    await rig.clock.run(1)
  }
  for (const [index, user] of users.entries()) {
    const seen: string[] = []
    let path: string | undefined = '/executions?limit=4'
    while (path !== undefined) {
      const page = await (await rig.get(path, as(user))).json()
      for (const { executionId } of page.executions) seen.push(executionId)
      path = page.next && `/executions?limit=4&after=${page.next}`
    }
    expect(seen).toEqual(Array.from({ length: 10 }, (_, at) => `x${3 * at + index + 1}`))
  }
})

describe('the answer that it gives', () => {
  const all = [...ROUTES, ...OF_ONE]

  test('passes through on every route, and nothing happens', async () => {
    let isOpen = true
    const rig = handlerRig({
      authorize: () =>
        isOpen
          ? {}
          : new Response('Pay first', { status: 402, headers: { 'X-Price': '1', 'Content-Type': 'text/plain' } }),
    })
    await rig.begin(ONE_TASK)
    const call = await rig.tool.nextCall('a')
    isOpen = false
    for (const route of all) {
      const response = await send(rig, undefined, route)
      expect([response.status, response.headers.get('x-price'), await response.text()]).toEqual([402, '1', 'Pay first'])
    }
    await rig.tool.idle()
    expect([rig.tool.started, call.context.signal.aborted]).toEqual([['a'], false])
  })

  test.each([401, 404, 204, 302])('may have the status %d, and headers that cannot be changed', async status => {
    const rig = handlerRig({
      authorize: () =>
        status === 302
          ? Response.redirect('http://login/')
          : new Response(null, { status, headers: { 'X-Its': 'own' } }),
    })
    const response = await rig.get('/executions')
    expect(response.status).toBe(status)
    expect(response.headers.get(status === 302 ? 'location' : 'x-its')).toBe(status === 302 ? 'http://login/' : 'own')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  })

  test.each([undefined, null, true, 'ada', 5, { owner: '' }, { owner: 5 }, { owner: null }, { owner: {} }])(
    'is refused with 500 when it is none: %j',
    async answer => {
      const rig = handlerRig({ authorize: (() => answer) as unknown as Authorize })
      for (const route of ROUTES) {
        expect(await readProblem(await send(rig, undefined, route))).toMatchObject({
          status: 500,
          code: 'INTERNAL_ERROR',
        })
      }
      await rig.tool.idle()
      expect(rig.tool.started).toEqual([])
    },
  )

  test.each([
    ['an error', new Error('private: the directory is down')],
    ['a text', 'private: the directory is down'],
    ['nothing', undefined],
    ['what cannot be shown', Object.create(null)],
  ])('is 500 without a word of the cause when it throws %s', async (_, thrown) => {
    for (const isLater of [false, true]) {
      const rig = handlerRig({
        authorize() {
          if (isLater) return Promise.reject(thrown)
          throw thrown
        },
      })
      for (const route of all) {
        const response = await send(rig, undefined, route)
        const text = await response.text()
        expect([response.status, text.includes('private')]).toEqual([500, false])
        expect(response.headers.get('x-content-type-options')).toBe('nosniff')
        const { reference } = JSON.parse(text)
        expect(rig.log.filter(line => line.includes(reference))).toHaveLength(1)
      }
      if (thrown instanceof Error) expect(rig.log[0]).toContain('private: the directory is down')
    }
  })
})
