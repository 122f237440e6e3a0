import { expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/index.ts'
import { follow, handlerRig, ONE_TASK, readProblem, STREAM } from './handler-rig.ts'

// An execution that the store says is running, but not here: its process is another one, or gone.

const KEY = { 'Idempotency-Key': 'k' }

async function interruptedRig() {
  const store = createMemoryStore()
  const other = handlerRig({ store })
  await other.begin(ONE_TASK, KEY)
  await other.tool.nextCall('a')
  await other.tool.idle()
  return handlerRig({ store, createId: () => 'y' })
}

test('it is shown as running, without a result', async () => {
  const { get } = await interruptedRig()
  expect(await (await get('/executions/x1')).json()).toEqual({ executionId: 'x1', status: 'running' })
  expect((await (await get('/executions')).json()).executions).toMatchObject([{ executionId: 'x1', status: 'running' }])
})

test('its readers get what there is, then an error event, and are not kept waiting', async () => {
  const { get, create, clock, figure } = await interruptedRig()
  for (const response of [await get('/executions/x1/events'), await create(ONE_TASK, { ...KEY, Accept: STREAM })]) {
    const { messages, ended } = follow(response)
    await ended
    expect(messages.map(({ event, id }) => [event, id])).toEqual([
      ['execution_start', 'x1.1'],
      ['task_start', 'x1.2'],
      ['error', undefined],
    ])
    expect(JSON.parse(messages.at(-1)?.data as string)).toMatchObject({ executionId: 'x1', code: 'INTERRUPTED' })
  }
  expect([clock.timerCount, await figure('dagstream_subscribers')]).toEqual([0, 0])
})

test('a waiter for its result learns at once that this process will not have it', async () => {
  const { create, tool } = await interruptedRig()
  const response = await create(ONE_TASK, KEY)
  expect(response.headers.get('retry-after')).toBe('1')
  expect(await readProblem(response)).toMatchObject({ status: 503, code: 'INTERRUPTED' })
  await tool.idle()
  expect(tool.started).toEqual([])
})

test('it can be neither cancelled nor deleted from here: it may be running elsewhere', async () => {
  const { send } = await interruptedRig()
  expect(await readProblem(await send('POST', '/executions/x1/cancel'))).toMatchObject({
    status: 409,
    code: 'INTERRUPTED',
  })
  expect(await readProblem(await send('DELETE', '/executions/x1'))).toMatchObject({
    status: 409,
    code: 'EXECUTION_RUNNING',
  })
})
