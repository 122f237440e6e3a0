import { expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/index.ts'
import { handlerRig, ONE_TASK } from './handler-rig.ts'

const PIECE_BYTES = 64 * 1024
// A piece would end in the middle of a character, were it cut by the unit.
const OUTPUT = `x${'😀'.repeat(200_000)}`

/** An execution whose one output is large. */
async function largeRig() {
  const rig = handlerRig()
  await rig.begin(ONE_TASK)
  ;(await rig.tool.nextCall('a')).succeed(OUTPUT)
  await rig.tool.idle()
  return rig
}

test.each(['/executions/x1/tasks/a/output', '/executions/x1'])(
  'a reader that is slow and steady gets a large answer whole, piece by piece: %s',
  async path => {
    const { get, clock } = await largeRig()
    const reader = ((await get(path)).body as ReadableStream<Uint8Array>).getReader()
    const decoder = new TextDecoder('utf-8', { fatal: true })
    let text = ''
    for (let step = await reader.read(); !step.done; step = await reader.read()) {
      expect(step.value.byteLength).toBeLessThanOrEqual(PIECE_BYTES)
      text += decoder.decode(step.value, { stream: true })
      // A whole stall time passes many times over, never between two pieces.
      clock.advance(29_000)
    }
    expect(text).toContain(JSON.stringify(OUTPUT))
    expect(clock.timerCount).toBe(0)
  },
)

test.each(['/executions/x1/tasks/a/output', '/executions/x1'])(
  'a reader that takes no more of a large answer is disconnected: %s',
  async path => {
    const { get, clock } = await largeRig()
    const reader = ((await get(path)).body as ReadableStream<Uint8Array>).getReader()
    await reader.read()
    clock.advance(30_000)
    await expect(reader.read()).rejects.toMatchObject({ code: 'READER_STALLED' })
    expect(clock.timerCount).toBe(0)
  },
)

test('a large event is given piece by piece too', async () => {
  const { follow, tool, clock } = handlerRig()
  const tasks = Array.from({ length: 1000 }, (_, index) => ({ id: `${'i'.repeat(190)}${index}`, tool: 'work' }))
  const { messages, leave } = await follow({ tasks })
  await tool.idle()
  expect(JSON.parse(messages[0]?.data ?? '')).toMatchObject({ totalTasks: 1000 })
  await leave()
  clock.advance(30_000)
  await tool.succeedAll()
})

test('an execution as large as it may be is still there once it has ended, and so are others', async () => {
  const store = createMemoryStore({ maxFinishedBytes: 4 * 1024 * 1024 })
  const { begin, tool, get } = handlerRig({ store })
  const outputs = ['small', 'x'.repeat(3 * 1024 * 1024), 'x'.repeat(5 * 1024 * 1024)]
  for (const output of outputs) {
    await begin(ONE_TASK)
    ;(await tool.nextCall('a')).succeed(output)
    await tool.idle()
    expect((await get('/executions/x1')).status).toBe(output.length > 4 * 1024 * 1024 ? 404 : 200)
  }
  // Too large for the others to stay beside it, not for itself.
  const { result } = (await (await get('/executions/x3')).json()) as { result: { results: { output: string }[] } }
  expect(result.results[0]?.output.length).toBe(5 * 1024 * 1024)
})

test('a key whose execution could not be claimed is free again', async () => {
  const memory = createMemoryStore()
  let failures = 1
  const store = {
    ...memory,
    claim: (id: string) => {
      if (failures-- > 0) throw new Error('disk')
      return memory.claim(id)
    },
  }
  const { create, tool, get } = handlerRig({ store })
  const key = { 'Idempotency-Key': 'k' }
  expect((await create(ONE_TASK, key)).status).toBe(503)
  const response = await create(ONE_TASK, key)
  ;(await tool.nextCall('a')).succeed(1)
  expect(await response.json()).toMatchObject({ status: 'success' })
  expect((await (await get('/executions')).json()) as object).toMatchObject({ executions: [{ executionId: 'x2' }] })
})

test('closing waits for readers of a result, for a bounded time', async () => {
  const { create, tool, handler, clock } = handlerRig()
  const response = await create(ONE_TASK)
  const call = await tool.nextCall('a')
  let isClosed = false
  const closed = handler.close().then(() => (isClosed = true))
  call.succeed(1)
  await tool.idle()
  expect(isClosed).toBe(false)
  await response.text()
  await closed
  expect([isClosed, clock.timerCount]).toEqual([true, 0])
})

test('a client that comes back by POST gets what it accepts: the stream, the result, or word that it is accepted', async () => {
  const { create, begin, tool } = handlerRig()
  await begin(ONE_TASK)
  ;(await tool.nextCall('a')).succeed(1)
  await tool.idle()
  const back = { 'Last-Event-ID': 'x1.2' }
  const types = []
  for (const headers of [{ Accept: 'text/event-stream' }, {}, { Prefer: 'respond-async' }] as Record<
    string,
    string
  >[]) {
    const response = await create(ONE_TASK, { ...back, ...headers })
    types.push([response.status, response.headers.get('content-type')?.split(';')[0]])
    await response.text()
  }
  expect(types).toEqual([
    [200, 'text/event-stream'],
    [200, 'application/json'],
    [202, 'application/json'],
  ])
  expect(tool.started).toEqual(['a'])
})
