import { describe, expect, test } from 'vitest'
import { handlerRig, ONE_TASK, readProblem, STREAM } from './handler-rig.ts'

describe('a list', () => {
  test('is reported in pages, oldest first, each once', async () => {
    const { begin, get, clock, tool } = handlerRig()
    const ids: string[] = []
    for (let at = 0; at < 7; at++) {
      ids.push(await begin(ONE_TASK))
      // Two share each moment.
      if (at % 2 === 1) await clock.run(1000)
    }
    ;(await tool.nextCall('a')).succeed()
    await tool.idle()
    const seen: { executionId: string; status: string; createdAt: string }[] = []
    let path = '/executions?limit=3'
    const sizes: number[] = []
    for (;;) {
      const { executions, next } = (await (await get(path)).json()) as { executions: typeof seen; next?: string }
      sizes.push(executions.length)
      seen.push(...executions)
      if (next === undefined) break
      path = `/executions?limit=3&after=${encodeURIComponent(next)}`
    }
    expect(sizes).toEqual([3, 3, 1])
    expect(seen.map(({ executionId }) => executionId)).toEqual(ids)
    expect(seen[0]).toMatchObject({ executionId: 'x1', status: 'success', createdAt: '2026-01-01T00:00:00.000Z' })
    expect(seen[6]).toMatchObject({ executionId: 'x7', status: 'running', createdAt: '2026-01-01T00:00:03.000Z' })
  })

  test('that fits its page exactly has no next', async () => {
    const { begin, get } = handlerRig()
    await begin(ONE_TASK)
    await begin(ONE_TASK)
    const page = (await (await get('/executions?limit=2')).json()) as object
    expect(Object.keys(page)).toEqual(['executions'])
  })

  test('continues after one that is gone meanwhile', async () => {
    const { create, get, send } = handlerRig({ tools: { work: () => 1 } })
    for (let at = 0; at < 3; at++) await (await create(ONE_TASK)).text()
    const { next } = (await (await get('/executions?limit=1')).json()) as { next: string }
    await send('DELETE', '/executions/x1')
    const { executions } = (await (await get(`/executions?after=${next}`)).json()) as {
      executions: { executionId: string }[]
    }
    expect(executions.map(({ executionId }) => executionId)).toEqual(['x2', 'x3'])
  })

  test.each(['limit=0', 'limit=1001', 'limit=-1', 'limit=1.5', 'limit=x', 'limit=', 'after=', 'after=x', 'after=x1'])(
    '?%s is answered with 400',
    async query => {
      const { get } = handlerRig()
      expect(await readProblem(await get(`/executions?${query}`))).toMatchObject({ status: 400 })
    },
  )
})

describe('deleting', () => {
  test('a running execution is refused with 409, a finished one is gone from every route', async () => {
    const { begin, send, get, tool } = handlerRig()
    const executionId = await begin(ONE_TASK)
    const call = await tool.nextCall('a')
    expect(await readProblem(await send('DELETE', `/executions/${executionId}`))).toMatchObject({
      status: 409,
      code: 'EXECUTION_RUNNING',
    })
    expect(call.context.signal.aborted).toBe(false)
    call.succeed()
    await tool.idle()
    const response = await send('DELETE', `/executions/${executionId}`)
    expect([response.status, await response.text()]).toEqual([204, ''])
    const routes = ['', '/events', '/tasks/a/output'].map(path => ['GET', path] as const)
    for (const [method, path] of [...routes, ['POST', '/cancel'], ['DELETE', '']] as const) {
      expect(await readProblem(await send(method, `/executions/${executionId}${path}`))).toMatchObject({
        status: 404,
        code: 'EXECUTION_NOT_FOUND',
      })
    }
    expect(await (await get('/executions')).json()).toEqual({ executions: [] })
    const headers = { 'Last-Event-ID': `${executionId}.1` }
    const resumed = await send('POST', '/executions', { headers, body: ONE_TASK })
    expect((await readProblem(resumed)).status).toBe(404)
    await tool.idle()
    expect(tool.started).toEqual(['a'])
  })
})

describe('cancelling', () => {
  test('reaches the tool, is idempotent, also after the end', async () => {
    const { begin, send, get, tool } = handlerRig()
    const executionId = await begin(ONE_TASK)
    const call = await tool.nextCall('a')
    for (let time = 0; time < 2; time++) {
      const response = await send('POST', `/executions/${executionId}/cancel`)
      expect([response.status, await response.json()]).toEqual([202, { executionId, status: 'running' }])
    }
    expect(call.context.signal.aborted).toBe(true)
    call.fail()
    await tool.idle()
    const response = await send('POST', `/executions/${executionId}/cancel`)
    expect([response.status, await response.json()]).toEqual([202, { executionId, status: 'cancelled' }])
    expect(await (await get(`/executions/${executionId}`)).json()).toMatchObject({
      status: 'cancelled',
      result: { reason: { code: 'CANCELLED' }, results: [{ status: 'cancelled' }] },
    })
  })

  test('after a success changes nothing', async () => {
    const { create, send } = handlerRig({ tools: { work: () => 1 } })
    await (await create(ONE_TASK)).text()
    expect(await (await send('POST', '/executions/x1/cancel')).json()).toEqual({
      executionId: 'x1',
      status: 'success',
    })
  })
})

test.each(['nope', 'x'.repeat(129), 'a.b', '%00', 'x%2Fy', '..%2Fx'])('the id %j is unknown: 404', async id => {
  const { get } = handlerRig()
  for (const path of ['', '/events', '/tasks/a/output']) {
    expect((await readProblem(await get(`/executions/${id}${path}`))).status).toBe(404)
  }
})

test('a stream is asked for as one, else 406', async () => {
  const { begin, get } = handlerRig()
  await begin(ONE_TASK)
  const response = await get('/executions/x1/events', { Accept: 'application/json' })
  expect((await readProblem(response)).status).toBe(406)
  for (const accept of [STREAM, 'text/*', '*/*', '']) {
    const { status, body } = await get('/executions/x1/events', { Accept: accept })
    expect([accept, status]).toEqual([accept, 200])
    await body?.cancel()
  }
})
