import { once } from 'node:events'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { afterEach, expect, test, vi } from 'vitest'
import { handleSSERequest } from '../../src/http/index.ts'
import { createMemoryStore, type DAGStructure } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { answerOf, closeAll, get, listen, post, read, start, textOf } from './http2-rig.ts'
import { curlHttp2Reader } from './readers.ts'
import { seqsOf } from './reading.ts'

// `node:http2` on both sides, over real sockets.

afterEach(closeAll)

const TWO_TASKS: DAGStructure = { tasks: ['fast', 'slow'].map(id => ({ id, tool: 'work' })) }

test('each event arrives when it happens, under headers that HTTP/2 allows', async () => {
  const { tool, session } = await start()
  const stream = post(session, 'text/event-stream', TWO_TASKS)
  const headers = await answerOf(stream)
  const reading = read(stream)
  const [fast, slow] = await tool.nextCalls('fast', 'slow')
  fast.succeed()
  await reading.until('task_complete', 'fast')
  slow.succeed()
  await reading.closed
  expect(seqsOf(reading.messages)).toEqual([1, 2, 3, 4, 5, 6])
  expect(headers).toMatchObject({ ':status': 200, 'content-type': 'text/event-stream; charset=utf-8' })
  // RFC 9113, 8.2.2: specific to a connection of HTTP/1.1.
  const forbidden = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']
  expect(forbidden.filter(name => name in headers)).toEqual([])
})

test('many streams share one connection, and each continues after its own last id', async () => {
  const { tool, session } = await start()
  const first = post(session, 'text/event-stream', TWO_TASKS)
  const { location } = (await answerOf(first)) as { location: string }
  const executionId = location.split('/')[2]
  const places = [0, 1, 2, 3]
  const readings = places.map(seq =>
    read(get(session, `${location}/events`, seq === 0 ? {} : { 'last-event-id': `${executionId}.${seq}` })),
  )
  for (const call of await tool.nextCalls('fast', 'slow')) call.succeed()
  await Promise.all(readings.map(({ closed }) => closed))
  expect(readings.map(({ messages }) => seqsOf(messages))).toEqual(places.map(seq => [1, 2, 3, 4, 5, 6].slice(seq)))
  const nothingLeft = get(session, `${location}/events`, { 'last-event-id': `${executionId}.6` })
  expect((await answerOf(nothingLeft))[':status']).toBe(204)
})

test('a stream that its client resets is left: the tool is asked to stop, other streams continue', async () => {
  const { tool, session, metric } = await start({ onDisconnect: 'cancel' })
  const left = post(session, 'text/event-stream', { tasks: [{ id: 'left', tool: 'work' }] })
  await answerOf(left)
  const other = post(session, 'text/event-stream', { tasks: [{ id: 'other', tool: 'work' }] })
  await answerOf(other)
  const reading = read(other)
  const [leftCall, otherCall] = await tool.nextCalls('left', 'other')
  left.close(constants.NGHTTP2_CANCEL)
  await once(leftCall.context.signal, 'abort')
  leftCall.fail()
  otherCall.succeed()
  await reading.until('execution_complete')
  expect([otherCall.context.signal.aborted, await metric('dagstream_subscribers')]).toEqual([false, 0])
})

test.skipIf(curlHttp2Reader.isMissing)('curl reads it as it happens, and gets 204 when nothing is left', async () => {
  const { url, tool, session, streams } = await start()
  const first = post(session, 'text/event-stream', TWO_TASKS)
  const { location } = (await answerOf(first)) as { location: string }
  const reading = await curlHttp2Reader.open(`${url}${location}/events`)
  await reading.until('task_start', 'slow')
  const [fast, slow] = await tool.nextCalls('fast', 'slow')
  fast.succeed()
  await reading.until('task_complete', 'fast')
  slow.succeed()
  await reading.closed
  expect(seqsOf(reading.messages)).toEqual([1, 2, 3, 4, 5, 6])
  expect(streams).toHaveLength(3)
})

test('a connection that is lost is left by all its streams', async () => {
  const { tool, session, connect, metric } = await start({ onDisconnect: 'cancel' })
  const lost = connect()
  const stream = post(lost, 'text/event-stream', TWO_TASKS)
  const { location } = (await answerOf(stream)) as { location: string }
  await answerOf(get(lost, `${location}/events`))
  expect(await metric('dagstream_subscribers')).toBe(2)
  const calls = await tool.nextCalls('fast', 'slow')
  const aborted = calls.map(({ context }) => once(context.signal, 'abort'))
  lost.destroy()
  await Promise.all(aborted)
  for (const call of calls) call.fail()
  expect([await metric('dagstream_subscribers'), session.destroyed]).toEqual([0, false])
})

test('a stream that is reset before it is answered leaves no reader behind', async () => {
  let answer: () => void = () => {}
  const asked = new Promise<void>(resolve => {
    answer = resolve
  })
  const { tool, session, streams, metric } = await start({
    async authorize(_, { action }) {
      if (action === 'subscribe') await asked
      return {}
    },
  })
  const first = post(session, 'text/event-stream', { tasks: [{ id: 'a', tool: 'work' }] })
  const { location } = (await answerOf(first)) as { location: string }
  const second = get(session, `${location}/events`)
  await vi.waitFor(() => expect(streams).toHaveLength(2), { interval: 1 })
  second.close(constants.NGHTTP2_CANCEL)
  await once(streams[1] as ServerHttp2Stream, 'close')
  answer()
  await tool.idle()
  expect(await metric('dagstream_subscribers')).toBe(1)
})

test.each(['', '{}', 'x'.repeat(200_000)])(
  'a request whose body is not read is answered to the end (%#)',
  async body => {
    const tool = new ControlledTool()
    const fetch = (request: Request): Promise<Response> =>
      handleSSERequest(request, { tasks: [{ id: 'a', tool: 'work' }] }, { tools: { work: tool.execute } })
    const { session } = await listen({ fetch })
    const headers = { ':method': 'POST', ':path': '/', 'content-length': String(body.length) }
    const stream = session.request(headers)
    stream.end(body)
    const reading = read(stream)
    await reading.until('task_start')
    // The adapter's own clearing up takes a few turns.
    await new Promise(resolve => setTimeout(resolve, 20))
    ;(await tool.nextCall('a')).succeed()
    await reading.closed
    expect(seqsOf(reading.messages)).toEqual([1, 2, 3, 4])
  },
)

test('the result of a batch comes whole, headers first', async () => {
  const { tool, session } = await start({ tools: { large: () => 'ü'.repeat(500_000) } })
  const tasks = [
    { id: 'a', tool: 'work' },
    { id: 'large', tool: 'large' },
  ]
  const stream = post(session, 'application/json', { tasks })
  const headers = await answerOf(stream)
  expect(headers['execution-id']).toBeDefined()
  ;(await tool.nextCall('a')).succeed(1)
  expect(JSON.parse(await textOf(stream))).toMatchObject({
    status: 'success',
    results: [{ output: 1 }, { output: 'ü'.repeat(500_000) }],
  })
})

test('a result that cannot be completed is a broken stream, not a short one', async () => {
  const inner = createMemoryStore()
  let isLost = false
  const store: typeof inner = {
    ...inner,
    append(lease, firstSeq, entries) {
      if (isLost) throw new Error('secret')
      return inner.append(lease, firstSeq, entries)
    },
  }
  const { tool, session } = await start({ store })
  const stream = post(session, 'application/json', { tasks: [{ id: 'a', tool: 'work' }] })
  await answerOf(stream)
  isLost = true
  ;(await tool.nextCall('a')).succeed()
  await expect(textOf(stream)).rejects.toThrow(/NGHTTP2_INTERNAL_ERROR/)
})

test('a reader that takes nothing holds a bounded amount and is disconnected after the stall time', async () => {
  const clock = new FakeClock()
  const tokenCount = 2000
  const text = 'x'.repeat(16 * 1024)
  const { tool, session, connect, streams, metric } = await start({
    clock,
    stallTimeoutMs: 30_000,
    tools: {
      // 32 MiB of events: what no buffer on the way swallows.
      async model(_: unknown, { emitToken }: { emitToken: (text: string) => void }) {
        for (let count = 0; count < tokenCount; count++) {
          emitToken(text)
          await new Promise(resolve => setImmediate(resolve))
        }
      },
    },
  })
  const stalled = post(session, 'text/event-stream', {
    tasks: [
      { id: 'model', tool: 'model' },
      { id: 'a', tool: 'work' },
    ],
  })
  const broken = new Promise<Error>(resolve => stalled.on('error', resolve))
  const { location } = (await answerOf(stalled)) as { location: string }
  // Nobody reads `stalled`: its window is never opened again, nor that of its connection.
  const other = read(get(connect(), `${location}/events`))
  await other.until('task_complete', 'model')
  expect((streams[0] as ServerHttp2Stream).writableLength).toBeLessThan(1024 * 1024)
  expect(await metric('dagstream_subscribers')).toBe(2)
  await clock.run(30_000)
  expect((await broken).message).toContain('NGHTTP2_INTERNAL_ERROR')
  expect(await metric('dagstream_subscribers')).toBe(1)
  ;(await tool.nextCall('a')).succeed()
  await other.until('execution_complete')
}, 30_000)
