import { describe, expect, test } from 'vitest'
import type { Authorize } from 'dagstream/http'
import { createMemoryStore } from '../../../src/index.ts'
import { answerLater } from '../../conformance/later-store.ts'
import { follow, handlerRig, ONE_TASK, readMessages, readProblem, STREAM } from './handler-rig.ts'

const KEY = { 'Idempotency-Key': 'k' }
const FORMS = [{ Accept: STREAM }, { Accept: 'application/json' }, { Prefer: 'respond-async' }] as const

const stores = {
  'at once': () => createMemoryStore(),
  later: () => answerLater(createMemoryStore()),
}

describe.each(Object.entries(stores))('with a store that answers %s', (_, makeStore) => {
  test('the same key attaches in every form, while it runs and after', async () => {
    const { create, tool, get } = handlerRig({ store: makeStore() })
    const ask = async (): Promise<Response[]> => {
      const responses: Response[] = []
      for (const form of FORMS) responses.push(await create(ONE_TASK, { ...KEY, ...form }))
      return responses
    }
    const [stream, waiting, early] = (await ask()) as [Response, Response, Response]
    const call = await tool.nextCall('a')
    const streaming = readMessages(stream)
    const result = waiting.json()
    expect(await early.json()).toEqual({ executionId: 'x1', status: 'running' })
    const again = (await ask()).slice(0, 2) as [Response, Response]
    const streamingAgain = readMessages(again[0])
    call.succeed({ n: 1 })
    const messages = await streaming
    expect(await streamingAgain).toEqual(messages)
    expect(await again[1].json()).toEqual(await result)
    await tool.idle()
    const late = (await ask()) as [Response, Response, Response]
    expect(late.map(({ status }) => status)).toEqual([200, 200, 202])
    expect(late.map(({ headers }) => [headers.get('execution-id'), headers.get('location')])).toEqual(
      new Array(3).fill(['x1', '/executions/x1']),
    )
    expect(await readMessages(late[0])).toEqual(messages)
    expect(await late[1].json()).toEqual(await result)
    expect(await late[2].json()).toEqual({ executionId: 'x1', status: 'success' })
    expect(tool.started).toEqual(['a'])
    const { executions } = (await (await get('/executions')).json()) as { executions: unknown[] }
    expect(executions).toHaveLength(1)
  })

  test('twenty at once make one execution', async () => {
    const { create, tool, get, figure } = handlerRig({ store: makeStore(), maxExecutions: 1 })
    const responses = await Promise.all(
      Array.from({ length: 20 }, (__, at) => create(ONE_TASK, { ...KEY, ...FORMS[at % 3] })),
    )
    expect(responses.map(({ status }) => status)).toEqual(
      Array.from({ length: 20 }, (__, at) => (at % 3 === 2 ? 202 : 200)),
    )
    const ids = new Set(responses.map(({ headers }) => headers.get('execution-id')))
    expect(ids.size).toBe(1)
    expect(await figure('dagstream_executions_running')).toBe(1)
    const bodies = Promise.all(responses.map(response => response.text()))
    ;(await tool.nextCall('a')).succeed()
    const texts = await bodies
    expect(new Set(texts.filter((__, at) => at % 3 === 0)).size).toBe(1)
    expect(new Set(texts.filter((__, at) => at % 3 === 1).map(text => text.trim())).size).toBe(1)
    await tool.idle()
    expect(tool.started).toEqual(['a'])
    const { executions } = (await (await get('/executions')).json()) as { executions: unknown[] }
    expect(executions).toHaveLength(1)
    expect(await figure('dagstream_executions_running')).toBe(0)
  })

  test('another body under the same key is refused with 409, byte for byte', async () => {
    const { create, tool } = handlerRig({ store: makeStore() })
    await (await create(ONE_TASK, { ...KEY, Prefer: 'respond-async' })).text()
    for (const body of [`${JSON.stringify(ONE_TASK)} `, { workflow: ONE_TASK }, { tasks: [] }]) {
      expect(await readProblem(await create(body, KEY))).toMatchObject({ status: 409, code: 'IDEMPOTENCY_CONFLICT' })
    }
    await tool.nextCall('a')
    expect(tool.started).toEqual(['a'])
  })

  test('an invalid workflow does not use its key up', async () => {
    const { create } = handlerRig({ store: makeStore(), tools: { work: () => 1 } })
    expect((await create({ tasks: [{ id: 'a', tool: 'none' }] }, KEY)).status).toBe(422)
    expect((await (await create(ONE_TASK, KEY)).json()).status).toBe('success')
  })

  test('a key is free again once its execution is deleted', async () => {
    const { create, send } = handlerRig({ store: makeStore(), tools: { work: () => 1 } })
    await (await create(ONE_TASK, KEY)).text()
    await send('DELETE', '/executions/x1')
    const response = await create(ONE_TASK, KEY)
    expect(response.headers.get('execution-id')).not.toBe('x1')
    expect(await response.json()).toMatchObject({ status: 'success' })
  })
})

test('keys are separate per owner, and for requests without one', async () => {
  const authorize: Authorize = ({ headers }) => {
    const owner = headers.get('x-owner')
    return owner === null ? {} : { owner }
  }
  const { create } = handlerRig({ authorize })
  const ids: (string | null)[] = []
  for (const headers of [{}, { 'X-Owner': 'ada' }, { 'X-Owner': 'bob' }, {}, { 'X-Owner': 'ada' }]) {
    const response = await create(ONE_TASK, { ...KEY, ...headers, Prefer: 'respond-async' })
    ids.push(response.headers.get('execution-id'))
  }
  expect([new Set(ids.slice(0, 3)).size, ids[3], ids[4]]).toEqual([3, ids[0], ids[1]])
  // A key of one is no word about another's.
  expect((await create({ tasks: [] }, { ...KEY, 'X-Owner': 'eve' })).status).toBe(200)
})

test.each(['', ' ', 'a b', 'é', 'x'.repeat(256), 'a\tb'])('the key %j is refused with 400', async key => {
  const { create, tool } = handlerRig()
  expect((await readProblem(await create(ONE_TASK, { 'Idempotency-Key': key }))).status).toBe(400)
  await tool.idle()
  expect(tool.started).toEqual([])
})

test('keys of 1 and of 255 visible characters are accepted', async () => {
  const { create } = handlerRig()
  for (const key of ['!', `~${'x'.repeat(254)}`, '"quoted"']) {
    expect((await create(ONE_TASK, { 'Idempotency-Key': key, Prefer: 'respond-async' })).status).toBe(202)
  }
})

test('a client that attaches to a failed start is notified', async () => {
  const memory = createMemoryStore()
  let refuse: (error: Error) => void = () => {}
  let ask: () => void = () => {}
  const asked = new Promise<void>(resolve => (ask = resolve))
  const store = {
    ...memory,
    claim(): Promise<never> {
      ask()
      return new Promise((_, reject) => (refuse = reject))
    },
  }
  const { create, figure } = handlerRig({ store })
  const first = create(ONE_TASK, { ...KEY, Accept: STREAM })
  await asked
  const second = follow(await create(ONE_TASK, { ...KEY, Accept: STREAM }))
  const third = follow(await create(ONE_TASK, KEY))
  refuse(new Error('private: no lease'))
  expect((await readProblem(await first)).status).toBe(503)
  await second.ended
  expect(second.messages.map(({ event }) => event)).toEqual(['error'])
  expect(JSON.stringify(second.messages)).not.toContain('private')
  await expect(third.ended).rejects.toThrow()
  expect([await figure('dagstream_executions_running'), await figure('dagstream_subscribers')]).toEqual([0, 0])
})
