import { describe, expect, test } from 'vitest'
import { handlerRig, ONE_TASK, readProblem } from './handler-rig.ts'

describe('methods', () => {
  test.each([
    ['PUT', '/executions', 'POST, GET, HEAD'],
    ['OPTIONS', '/executions', 'POST, GET, HEAD'],
    ['POST', '/executions/x1', 'GET, HEAD, DELETE'],
    ['POST', '/executions/x1/events', 'GET, HEAD'],
    ['GET', '/executions/x1/cancel', 'POST'],
    ['DELETE', '/executions/x1/tasks/a/output', 'GET, HEAD'],
    ['GET', '/workflows/validate', 'POST'],
    ['POST', '/workflows/schema', 'GET, HEAD'],
    ['POST', '/workflows', 'GET, HEAD'],
    ['DELETE', '/workflows/one', 'GET, HEAD'],
    ['GET', '/workflows/one/executions', 'POST'],
    ['POST', '/tools', 'GET, HEAD'],
    ['DELETE', '/healthz', 'GET, HEAD'],
    ['PATCH', '/metrics', 'GET, HEAD'],
    ['POST', '/openapi.json', 'GET, HEAD'],
  ])('%s %s is answered with 405 and what is allowed', async (method, path, allowed) => {
    const { create, send } = handlerRig({ tools: { work: () => 1 } })
    await (await create(ONE_TASK)).text()
    const response = await send(method, path)
    expect((await readProblem(response)).status).toBe(405)
    expect(response.headers.get('allow')?.split(', ').sort()).toEqual(allowed.split(', ').sort())
  })

  test.each([
    '/',
    '/execution',
    '/executions/',
    '/executions/x1/',
    '/executions/x1/tasks',
    '/favicon.ico',
    '/EXECUTIONS',
  ])('%s is not a route: 404', async path => {
    const { get } = handlerRig()
    expect(await readProblem(await get(path))).toMatchObject({ status: 404, code: 'NOT_FOUND' })
  })

  test('HEAD is answered as GET is, without a body, and follows nothing', async () => {
    const { create, begin, send, clock, figure, tool } = handlerRig({ onDisconnect: 'cancel' })
    const response = await create(ONE_TASK)
    ;(await tool.nextCall('a')).succeed()
    await response.text()
    await begin(ONE_TASK)
    const call = await tool.nextCall('a')
    const paths = ['/executions', '/executions/x1', '/executions/x2', '/executions/x2/events', '/executions/x1/events']
    const others = [
      '/executions/x1/tasks/a/output',
      '/workflows/schema',
      '/tools',
      '/workers',
      '/healthz',
      '/metrics',
      '/openapi.json',
    ]
    for (const path of [...paths, ...others]) {
      const head = await send('HEAD', path)
      const get = await send('GET', path)
      expect([path, head.status, await head.text()]).toEqual([path, 200, ''])
      expect([path, head.headers.get('content-type')]).toEqual([path, get.headers.get('content-type')])
      await get.body?.cancel()
    }
    expect((await send('HEAD', '/executions/none')).status).toBe(404)
    expect((await send('HEAD', '/executions/x1/events?after=x1.4')).status).toBe(204)
    await tool.idle()
    expect([await figure('dagstream_subscribers'), clock.timerCount, call.context.signal.aborted]).toEqual([
      0,
      0,
      false,
    ])
  })
})
