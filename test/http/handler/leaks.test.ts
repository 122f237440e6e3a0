import { expect, test } from 'vitest'
import { createHandler } from 'dagstream/http'
import { createMemoryStore } from '../../../src/index.ts'
import { ExecutionHost } from '../../../src/host/execution-host.ts'
import { ExecutionResponses } from '../../../src/http/routes/execution-responses.ts'
import type { ExecutionRequest } from '../../../src/host/execution/execution-request.ts'
import { resolveHandlerOptions } from '../../../src/http/options/handler-options.ts'
import { collectGarbage } from '../../support/collect-garbage.ts'
import { ControlledTool } from '../../support/controlled-tool.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { follow, type Following, handlerRig, ONE_TASK, STREAM } from './handler-rig.ts'

// Behind the routes, where it can be seen how many readers a log has.

function hostRig() {
  const clock = new FakeClock()
  const tool = new ControlledTool()
  const store = createMemoryStore({ clock })
  const options = resolveHandlerOptions({ tools: { work: tool.execute }, clock, store, taskTimeoutMs: 0 })
  const host = new ExecutionHost(options)
  const request: ExecutionRequest = {
    workflow: ONE_TASK,
    workflowJson: JSON.stringify(ONE_TASK),
    input: undefined,
    options: {},
    graceMs: undefined,
  }
  return {
    clock,
    tool,
    host,
    responses: new ExecutionResponses(host, options),
    start: () => host.start(request, {}, () => new AbortController().signal),
  }
}

const GET = new Request('http://localhost/')

test('a thousand subscribers that come and go leave no cursor, timer or place behind', async () => {
  const { clock, tool, host, responses, start } = hostRig()
  const hosted = await start()
  const call = await tool.nextCall('a')
  const all: Following[] = []
  for (let at = 0; at < 1000; at++)
    all.push(follow(responses.streamEvents(GET, hosted, { afterSeq: at % 5, headers: {} })))
  expect([hosted.log.cursorCount, host.subscribers.subscriberCount]).toEqual([1000, 1000])
  call.context.emitToken('Hello')
  await tool.idle()
  for (const [at, { leave }] of all.entries()) if (at % 2 === 0) await leave()
  await tool.idle()
  expect([hosted.log.cursorCount, host.subscribers.subscriberCount]).toEqual([500, 500])
  call.succeed()
  await Promise.all(all.map(({ ended }) => ended))
  await tool.idle()
  expect([hosted.log.cursorCount, host.subscribers.subscriberCount, host.running.size, clock.timerCount]).toEqual([
    0, 0, 0, 0,
  ])
})

test('readers that never read, and those that wait for the result, leave nothing behind either', async () => {
  const { clock, tool, host, responses, start } = hostRig()
  const hosted = await start()
  const call = await tool.nextCall('a')
  const waiting: Following[] = []
  for (let at = 0; at < 100; at++) {
    responses.streamEvents(GET, hosted, { afterSeq: 0, headers: {} })
    responses.awaitResult(hosted, {})
    waiting.push(follow(responses.awaitResult(hosted, {})))
  }
  expect(hosted.log.cursorCount).toBe(300)
  for (const { leave } of waiting.slice(50)) await leave()
  expect(hosted.log.cursorCount).toBe(250)
  await clock.run(31_000)
  expect([hosted.log.cursorCount, host.subscribers.subscriberCount]).toEqual([50, 0])
  call.succeed()
  await Promise.all(waiting.map(({ ended }) => ended))
  await tool.idle()
  expect([hosted.log.cursorCount, host.running.size, clock.timerCount]).toEqual([0, 0, 0])
})

test('a thousand executions, however they are followed and however they end, leave nothing running and no timer', async () => {
  const { create, begin, send, tool, clock, figure } = handlerRig({ maxExecutions: 50, onDisconnect: { graceMs: 10 } })
  const ways: (() => Promise<void>)[] = [
    async () => {
      const { ended } = follow(await create(ONE_TASK, { Accept: STREAM }))
      ;(await tool.nextCall('a')).succeed()
      await ended
    },
    async () => {
      const response = await create({ workflow: ONE_TASK, options: { timeoutMs: 1000 } })
      ;(await tool.nextCall('a')).fail()
      await response.text()
    },
    async () => {
      const executionId = await begin(ONE_TASK)
      const call = await tool.nextCall('a')
      await send('POST', `/executions/${executionId}/cancel`)
      call.fail()
    },
    async () => {
      const { leave } = follow(await create(ONE_TASK, { Accept: STREAM }))
      const call = await tool.nextCall('a')
      await leave()
      clock.advance(10)
      call.fail()
    },
    async () => {
      const response = await create(ONE_TASK)
      ;(await tool.nextCall('a')).succeed()
      await response.body?.cancel()
    },
  ]
  for (let at = 0; at < 1000; at++) await (ways[at % ways.length] as () => Promise<void>)()
  await tool.idle()
  expect([await figure('dagstream_executions_running'), await figure('dagstream_subscribers')]).toEqual([0, 0])
  expect([clock.timerCount, tool.runningCount]).toEqual([0, 0])
})

test('a deleted execution is released completely, although many have read it', async () => {
  const { create, send, get } = handlerRig({ tools: { work: () => 'x'.repeat(1024 * 1024) } })
  let count = 0
  const run = async (times: number): Promise<number> => {
    for (let at = 0; at < times; at++) {
      await (await create(ONE_TASK, { Accept: STREAM })).text()
      count += 1
      await (await get(`/executions/x${count}/events`)).text()
      await (await get(`/executions/x${count}/events?after=x${count}.2`)).text()
      await send('DELETE', `/executions/x${count}`)
    }
    await new Promise(resolve => setImmediate(resolve))
    return collectGarbage()
  }
  const before = await run(5)
  expect((await run(60)) - before).toBeLessThan(20 * 1024 * 1024)
})

test('a handler that is made and not used sets no timer', () => {
  const clock = new FakeClock()
  createHandler({ tools: {}, clock })
  expect(clock.timerCount).toBe(0)
})
