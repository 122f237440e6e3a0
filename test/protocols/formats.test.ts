import { expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { LogEntry } from '../../src/events/log-entry.ts'
import { createMemoryStore, type DAGStructure } from '../../src/index.ts'
import { findOutputTask } from '../../src/protocols/answer-task.ts'
import { handlerRig, readProblem, STREAM } from '../http/handler/handler-rig.ts'
import { outlive } from '../support/crash.ts'
import { contentsOf, readFrames } from './ag-ui-readers.ts'
import { AI_SDK_READERS, readParts, textOf } from './ai-sdk-readers.ts'

const TWO: DAGStructure = {
  tasks: [
    { id: 'a', tool: 'work' },
    { id: 'b', tool: 'work' },
  ],
}

async function endedRig(workflow: DAGStructure = TWO) {
  const rig = handlerRig()
  await rig.begin(workflow)
  for (const { id } of workflow.tasks) (await rig.tool.nextCall(id)).succeed(`text of ${id}`)
  await rig.tool.idle()
  const texts = async (query: string): Promise<readonly unknown[]> => {
    const body = await (await rig.get(`/executions/x1/events?format=ai-sdk${query}`)).text()
    const message = await AI_SDK_READERS[2]?.read(body)
    const run = await readFrames(await (await rig.get(`/executions/x1/events?format=ag-ui${query}`)).text())
    return [message && textOf(message), contentsOf(run.messages(), 'assistant').filter(text => text !== undefined)]
  }
  return { ...rig, texts }
}

test('both formats are asked for by name, when an execution starts and later', async () => {
  for (const format of ['ai-sdk', 'ag-ui']) {
    const { send, get, tool } = handlerRig()
    const headers = { Accept: STREAM }
    const response = await send('POST', `/executions?format=${format}`, {
      headers,
      body: { tasks: TWO.tasks.slice(1) },
    })
    ;(await tool.nextCall('b')).succeed('Hello')
    await tool.idle()
    const isAiSdk = format === 'ai-sdk'
    expect(response.headers.get('x-vercel-ai-ui-message-stream')).toBe(isAiSdk ? 'v1' : null)
    const text = await response.text()
    expect([text.includes('[DONE]'), text.includes('event:'), text.includes('id: ')]).toEqual([isAiSdk, false, false])
    const later = await (await get(`/executions/x1/events?format=${format}`, headers)).text()
    if (isAiSdk) expect(later).toBe(text)
    else {
      const contents = async (body: string): Promise<unknown> => (await readFrames(body)).messages()
      expect(await contents(later)).toEqual(await contents(text))
    }
  }
})

test('cursors are ignored: a client has no use for the end of a message', async () => {
  const { get, send } = await endedRig()
  for (const format of ['ai-sdk', 'ag-ui']) {
    const whole = await (await get(`/executions/x1/events?format=${format}`)).text()
    const headers = { 'Last-Event-ID': 'x1.6', Accept: STREAM }
    for (const path of [
      `/executions/x1/events?format=${format}&after=x1.2`,
      `/executions/x1/events?format=${format}`,
    ]) {
      expect(await (await get(path, headers)).text()).toBe(whole)
    }
    const posted = await send('POST', `/executions?format=${format}`, { headers, body: TWO })
    expect(await posted.text()).toBe(whole)
  }
})

test('the answer is the task that `output` refers to alone, else the only one of the last layer, or the one asked for', async () => {
  const none = await endedRig()
  expect(await none.texts('')).toEqual(['', []])
  expect(await none.texts('&answer=a')).toEqual(['text of a', ['text of a']])
  const named = await endedRig({ ...TWO, output: { of: ['$OUTPUT[b]'] } })
  expect(await named.texts('')).toEqual(['text of b', ['text of b']])
  const refused = await none.get('/executions/x1/events?format=ai-sdk&answer=c')
  expect(await readProblem(refused)).toMatchObject({ status: 400, code: 'INVALID_REQUEST' })
  const version = await none.get('/executions/x1/events?format=ag-ui&version=6')
  expect(await readProblem(version)).toMatchObject({ status: 400 })
})

test.each([
  ['$OUTPUT[a]', 'a'],
  [{ x: ['$OUTPUT[a].b', '${OUTPUT[a]}!'] }, 'a'],
  [['$OUTPUT[a]', '$OUTPUT[b]'], undefined],
  ['$OUTPUT[a] and $OUTPUT[b]', undefined],
  ['$INPUT', undefined],
  ['text', undefined],
  [undefined, undefined],
  [{ deep: Array.from({ length: 20_000 }, () => '$OUTPUT[a]') }, undefined],
])('the output %j refers to the task %s alone', (output, taskId) => {
  expect(findOutputTask({ output })).toBe(taskId)
})

test('the readers of a parked execution get an error, those of one that was resumed since get none', async () => {
  const { store, begin, tool } = handlerRig({ store: createMemoryStore() })
  await begin({ tasks: [{ id: 'a', tool: 'work' }] })
  await tool.nextCall('a')
  const lease = await store.claim('x1')
  const head = (await store.read('x1', 0, 100)).length
  const data = { executionId: 'x1', timestamp: new Date().toISOString() }
  const parked = new LogEntry(head + 1, 'execution_parked', {
    ...data,
    code: 'CRASH_LIMIT',
    message: 'No',
    tasks: ['a'],
  })
  await store.append(lease, head + 1, [parked])
  const next = handlerRig({ store: await outlive(store, 'x1'), clock: systemClock })
  const read = async (format: string): Promise<string> =>
    (await next.get(`/executions/x1/events?format=${format}`)).text()
  const parts = readParts(await read('ai-sdk'))
  expect([parts[0], parts.at(-1)]).toMatchObject([{ type: 'start' }, { type: 'error', errorText: 'CRASH_LIMIT: No' }])
  const { events } = await readFrames(await read('ag-ui'))
  expect(events.at(-1)).toMatchObject({ type: 'RUN_ERROR', code: 'CRASH_LIMIT', message: 'No' })
  expect((await next.send('POST', '/executions/x1/resume')).status).toBe(202)
  ;(await next.tool.nextCall('a')).succeed('Hello')
  await next.tool.idle()
  expect(readParts(await read('ai-sdk')).map(({ type }) => type)).not.toContain('error')
  const resumed = await readFrames(await read('ag-ui'))
  expect(resumed.events.at(-1)).toMatchObject({ type: 'RUN_FINISHED' })
})
