import { describe, expect, test } from 'vitest'
import { diamond } from '../../support/workflows.ts'
import { follow, handlerRig, JSON_TYPE, ONE_TASK, readMessages, readProblem, STREAM } from './handler-rig.ts'

test('a workflow becomes a stream that reports everything as it happens', async () => {
  const { tool, follow: followNew } = handlerRig()
  const { response, messages, ended } = await followNew(diamond('a', ['b', 'c'], 'd'))
  expect(response.status).toBe(200)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
    'execution-id': 'x1',
    location: '/executions/x1',
    vary: 'Accept',
  })
  const a = await tool.nextCall('a')
  expect(messages.map(({ event }) => event)).toEqual(['execution_start', 'task_start'])
  a.succeed(1)
  for (const call of await tool.nextCalls('b', 'c')) call.succeed()
  ;(await tool.nextCall('d')).succeed()
  await ended
  expect(messages.at(-1)?.event).toBe('execution_complete')
  expect(messages.map(({ id }) => id)).toEqual(messages.map((_, at) => `x1.${at + 1}`))
})

test('no answer carries a hop-by-hop header', async () => {
  const { create, get } = handlerRig({ tools: { work: () => 1 } })
  const responses = [
    await create(ONE_TASK, { Accept: STREAM }),
    await create(ONE_TASK),
    await create(ONE_TASK, { Prefer: 'respond-async' }),
    await get('/executions/x1'),
    await get('/executions/none'),
  ]
  for (const { headers } of responses) {
    for (const name of ['connection', 'transfer-encoding', 'keep-alive', 'upgrade', 'te', 'trailer']) {
      expect(headers.has(name)).toBe(false)
    }
  }
  for (const { body } of responses) await body?.cancel()
})

describe('the answer follows from Accept', () => {
  test.each([
    [undefined, JSON_TYPE],
    ['*/*', JSON_TYPE],
    [JSON_TYPE, JSON_TYPE],
    [STREAM, STREAM],
    ['text/*', STREAM],
    [`${STREAM}, ${JSON_TYPE}`, STREAM],
    [`${JSON_TYPE}, ${STREAM}`, STREAM],
    [`${STREAM};q=0.5, ${JSON_TYPE}`, JSON_TYPE],
    [`${STREAM};q=0, */*`, JSON_TYPE],
    [`*/*;q=0.1, ${STREAM}`, STREAM],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', JSON_TYPE],
  ])('%j: %s', async (accept, type) => {
    const { create } = handlerRig({ tools: { work: () => 1 } })
    const response = await create(ONE_TASK, accept === undefined ? {} : { Accept: accept })
    expect([response.status, response.headers.get('content-type')?.split(';')[0]]).toEqual([200, type])
    expect(response.headers.get('vary')).toBe('Accept')
    await response.text()
  })

  test.each(['text/html', `${STREAM};q=0`, '*/*;q=0'])('%j is answered with 406, and nothing runs', async accept => {
    const { create, tool, get } = handlerRig()
    const response = await create(ONE_TASK, { Accept: accept })
    expect(await readProblem(response)).toMatchObject({ status: 406 })
    expect(response.headers.get('vary')).toBe('Accept')
    await tool.idle()
    expect(tool.started).toEqual([])
    expect(await (await get('/executions')).json()).toEqual({ executions: [] })
  })
})

describe('Prefer: respond-async', () => {
  test('is answered at once, and the execution continues by itself', async () => {
    const { create, tool, clock, get } = handlerRig()
    const response = await create(ONE_TASK, { Prefer: 'respond-async', Accept: STREAM })
    expect(response.status).toBe(202)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json',
      'preference-applied': 'respond-async',
      'execution-id': 'x1',
      location: '/executions/x1',
      'cache-control': 'no-store',
    })
    expect(await response.json()).toEqual({ executionId: 'x1', status: 'running' })
    const call = await tool.nextCall('a')
    await clock.run(24 * 60 * 60 * 1000)
    call.succeed('late')
    await tool.idle()
    expect(await (await get('/executions/x1')).json()).toMatchObject({
      status: 'success',
      result: { status: 'success', results: [{ taskId: 'a', output: 'late' }] },
    })
  })

  test.each([
    'respond-async',
    'wait=10, respond-async',
    'RESPOND-ASYNC',
    'respond-async; wait=1',
    'respond-async , a=b',
  ])('is understood as %j, whatever the Accept', async prefer => {
    const { create } = handlerRig()
    expect((await create(ONE_TASK, { Prefer: prefer, Accept: 'text/html' })).status).toBe(202)
  })

  test.each(['respond-asynchronously', 'x-respond-async', 'wait=10', ''])('is not %j', async prefer => {
    const { create } = handlerRig({ tools: { work: () => 1 } })
    const response = await create(ONE_TASK, { Prefer: prefer })
    expect(response.status).toBe(200)
    await response.text()
  })
})

describe('the body', () => {
  test('is a bare workflow, or one beside its input and options', async () => {
    const { create, tool } = handlerRig()
    const workflow = { tasks: [{ id: 'a', tool: 'work', arguments: { topic: '$INPUT.topic' } }] }
    const response = await create({ workflow, input: { topic: 'bees' }, options: { schedule: 'dataflow' } })
    const call = await tool.nextCall('a')
    expect(call.args).toEqual({ topic: 'bees' })
    call.succeed()
    expect(await response.json()).toMatchObject({ executionId: 'x1', status: 'success' })
  })

  test.each([
    'application/json',
    'APPLICATION/JSON; charset=utf-8',
    'application/vnd.dagstream+json',
    'application/json ;charset=utf-8',
  ])('may be called %j', async type => {
    const { send } = handlerRig({ tools: { work: () => 1 } })
    const response = await send('POST', '/executions', { headers: { 'Content-Type': type }, body: ONE_TASK })
    expect(response.status).toBe(200)
    await response.text()
  })

  test('may be empty of tasks: then it ends at once', async () => {
    const { create } = handlerRig()
    expect(await (await create({ tasks: [] })).json()).toMatchObject({ status: 'success', totalTasks: 0, results: [] })
    const messages = await readMessages(await create({ tasks: [] }, { Accept: STREAM }))
    expect(messages.map(({ event }) => event)).toEqual(['execution_start', 'execution_complete'])
  })

  test.each([
    ['', 'JSON'],
    ['{', 'JSON'],
    ['{"tasks":[],}', 'JSON'],
    ['undefined', 'JSON'],
  ])('%j is answered with 400', async (body, detail) => {
    const { create } = handlerRig()
    const problem = await readProblem(await create(body))
    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
    expect(problem.detail).toContain(detail)
  })

  test('that is not UTF-8 is answered with 400', async () => {
    const { handler } = handlerRig()
    const headers = { 'Content-Type': 'application/json' }
    const body = new Uint8Array([0x22, 0xff, 0x22])
    const response = await handler.fetch(new Request('http://localhost/executions', { method: 'POST', headers, body }))
    expect(await readProblem(response)).toMatchObject({ status: 400, detail: 'Expected the body to be UTF-8' })
  })

  test('that breaks off is answered with 400 and logged as nothing', async () => {
    const { handler, log } = handlerRig()
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Error('private: reset by peer'))
      },
    })
    const headers = { 'Content-Type': 'application/json' }
    const init = { method: 'POST', headers, body, duplex: 'half' }
    const problem = await readProblem(await handler.fetch(new Request('http://localhost/executions', init)))
    expect(problem).toMatchObject({ status: 400 })
    expect(JSON.stringify(problem)).not.toContain('private')
    expect(log).toEqual([])
  })

  test('with an unknown field beside the workflow is answered with 400', async () => {
    const { create } = handlerRig()
    const problem = await readProblem(await create({ workflow: ONE_TASK, inputs: {} }))
    expect(problem).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
    expect(problem.detail).toContain('inputs')
  })

  test.each([null, 5, '"text"', [], { workflow: null }, { workflow: [] }, { tasks: 'none' }, {}])(
    '%j is not a workflow: 422 with the fault',
    async body => {
      const { create } = handlerRig()
      const problem = await readProblem(await create(body))
      expect(problem).toMatchObject({ status: 422, code: 'INVALID_WORKFLOW', issueCount: 1 })
      expect(problem['issues']).toMatchObject([{ code: 'INVALID_SHAPE' }])
    },
  )

  test('with an invalid workflow is answered with all of its issues, in each form, and nothing runs', async () => {
    const { create, tool, store } = handlerRig()
    const tasks = Array.from({ length: 150 }, (_, at) => ({ id: `t${at}`, tool: 'wrok' }))
    for (const headers of [{ Accept: STREAM }, { Accept: JSON_TYPE }, { Prefer: 'respond-async' }]) {
      const problem = await readProblem(await create({ workflow: { tasks } }, headers))
      expect(problem).toMatchObject({ title: 'Invalid workflow', status: 422, issueCount: 150 })
      expect(problem['issues']).toHaveLength(100)
      expect((problem['issues'] as unknown[])[0]).toMatchObject({ code: 'UNKNOWN_TOOL', pointer: '/tasks/0/tool' })
    }
    await tool.idle()
    expect([tool.started, await store.list({ limit: 10 })]).toEqual([[], []])
  })

  test('with an input that lacks a referenced value is answered with 422', async () => {
    const { create } = handlerRig()
    const workflow = { tasks: [{ id: 'a', tool: 'work', arguments: { topic: '$INPUT.topic' } }] }
    expect(await readProblem(await create({ workflow, input: {} }))).toMatchObject({
      status: 422,
      issues: [{ code: 'UNKNOWN_REFERENCE', pointer: '/tasks/0/arguments/topic' }],
    })
  })
})

test('a custom format is what goes over the wire', async () => {
  const { create } = handlerRig({
    tools: { work: () => 1 },
    format: ({ type }) => (type === 'task_start' ? '' : `data: ${type}\n\n`),
  })
  const { messages, ended } = follow(await create(ONE_TASK, { Accept: STREAM }))
  await ended
  expect(messages.map(({ data }) => data)).toEqual(['execution_start', 'task_complete', 'execution_complete'])
})
