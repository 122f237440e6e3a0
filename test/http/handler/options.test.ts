import { describe, expect, test } from 'vitest'
import { fan } from '../../support/workflows.ts'
import { handlerRig, ONE_TASK, readProblem } from './handler-rig.ts'

const SERVER = { maxConcurrency: 4, timeoutMs: 1000, onDisconnect: { graceMs: 500 } }

describe('options that a request may not give are answered with 400:', () => {
  test.each([
    [{ store: {} }, 'options.store'],
    [{ taskTimeoutMs: 1 }, 'options.taskTimeoutMs'],
    [{ constructor: 1 }, 'options.constructor'],
    [{ schedule: 'fast' }, 'options.schedule'],
    [{ schedule: null }, 'options.schedule'],
    [{ onTaskError: 'stop' }, 'options.onTaskError'],
    [{ maxConcurrency: 5 }, 'from 1 to 4'],
    [{ maxConcurrency: 0 }, 'from 1 to 4'],
    [{ maxConcurrency: 1.5 }, 'from 1 to 4'],
    [{ maxConcurrency: '2' }, 'from 1 to 4'],
    [{ timeoutMs: 1001 }, 'at most 1000 ms'],
    [{ timeoutMs: 0 }, 'at most 1000 ms'],
    [{ timeoutMs: -1 }, 'at most 1000 ms'],
    [{ timeoutMs: '10' }, 'at most 1000 ms'],
    [{ onDisconnect: { graceMs: 501 } }, 'at most 500'],
    [{ onDisconnect: { graceMs: -1 } }, 'onDisconnect'],
    [{ onDisconnect: { graceMs: 1, more: 1 } }, 'onDisconnect'],
    [{ onDisconnect: 'stay' }, 'onDisconnect'],
    [{ onDisconnect: null }, 'onDisconnect'],
  ])('%j', async (options, detail) => {
    const { create, tool } = handlerRig(SERVER)
    const problem = await readProblem(await create({ workflow: ONE_TASK, options }))
    expect(problem).toMatchObject({ status: 400, code: 'INVALID_OPTION' })
    expect(problem.detail).toContain(detail)
    await tool.idle()
    expect(tool.started).toEqual([])
  })

  test.each([[[]], [null], ['layers'], [1]])('%j instead of an object', async options => {
    const { create } = handlerRig(SERVER)
    expect(await readProblem(await create({ workflow: ONE_TASK, options }))).toMatchObject({ status: 400 })
  })
})

describe('options within the server’s own are honoured:', () => {
  test.each([
    {},
    { schedule: 'layers' },
    { schedule: 'dataflow' },
    { onTaskError: 'continue' },
    { onTaskError: 'fail-fast' },
    { maxConcurrency: 4 },
    { timeoutMs: 1000 },
    { timeoutMs: 0.5 },
    { onDisconnect: { graceMs: 500 } },
    { onDisconnect: 'cancel' },
    { onDisconnect: 'continue' },
  ])('%j', async options => {
    const { create } = handlerRig({ ...SERVER, tools: { work: () => 1 } })
    const response = await create({ workflow: ONE_TASK, options })
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ status: 'success' })
  })

  test('maxConcurrency', async () => {
    const { begin, tool } = handlerRig(SERVER)
    await begin({ workflow: fan(10), options: { maxConcurrency: 2 } })
    await tool.succeedAll()
    expect(tool.peakCount).toBe(2)
    await begin({ workflow: fan(10) })
    await tool.succeedAll()
    expect(tool.peakCount).toBe(4)
  })

  test('timeoutMs', async () => {
    const { create, clock, tool } = handlerRig()
    const response = await create({ workflow: ONE_TASK, options: { timeoutMs: 250 } })
    const call = await tool.nextCall('a')
    await clock.run(249)
    expect(call.context.signal.aborted).toBe(false)
    await clock.run(1)
    call.fail()
    expect(await response.json()).toMatchObject({ status: 'cancelled', reason: { code: 'EXECUTION_TIMEOUT' } })
  })

  test('a time-out of 0 where the server has none', async () => {
    const { create } = handlerRig({ tools: { work: () => 1 } })
    expect((await (await create({ workflow: ONE_TASK, options: { timeoutMs: 0 } })).json()).status).toBe('success')
  })

  test('onTaskError and schedule', async () => {
    const tasks = [
      { id: 'a', tool: 'work' },
      { id: 'b', tool: 'work' },
    ]
    const { create, tool, get } = handlerRig()
    const options = { onTaskError: 'fail-fast', schedule: 'dataflow' }
    const response = await create({ workflow: { tasks }, options })
    const [a, b] = await tool.nextCalls('a', 'b')
    a.fail(new Error('no'))
    await tool.idle()
    expect(b.context.signal.aborted).toBe(true)
    b.fail()
    const result = await response.json()
    expect(result).toMatchObject({ results: [{ status: 'error' }, { status: 'cancelled' }] })
    const events = await (await get('/executions/x1/events')).text()
    expect(events).toContain('"schedule":"dataflow"')
  })
})
