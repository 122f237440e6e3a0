import { describe, expect, test } from 'vitest'
import { createMemoryStore } from '../../../src/index.ts'
import { answerLater } from '../../conformance/later-store.ts'
import { follow, handlerRig, ONE_TASK, readProblem, STREAM } from './handler-rig.ts'

async function expectRefused(response: Response, status: number, code: string): Promise<void> {
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  expect(await readProblem(response)).toMatchObject({ status, code })
}

function countStatuses(responses: readonly Response[]): Record<number, number> {
  const counts: Record<number, number> = {}
  for (const { status } of responses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

describe('maxExecutions', () => {
  test('more than may run at once are refused with 429 until one has ended', async () => {
    const { begin, create, tool } = handlerRig({ maxExecutions: 2 })
    await begin(ONE_TASK)
    await begin(ONE_TASK)
    const [first] = [await tool.nextCall('a')]
    const forms: Record<string, string>[] = [{ Accept: STREAM }, {}, { Prefer: 'respond-async' }]
    for (const headers of forms) {
      await expectRefused(await create(ONE_TASK, headers), 429, 'TOO_MANY_EXECUTIONS')
    }
    first.succeed()
    await tool.idle()
    await begin(ONE_TASK)
    await expectRefused(await create(ONE_TASK), 429, 'TOO_MANY_EXECUTIONS')
  })

  test('holds also where a store takes its time', async () => {
    const { create } = handlerRig({ maxExecutions: 3, store: answerLater(createMemoryStore()) })
    const responses = await Promise.all(Array.from({ length: 10 }, () => create(ONE_TASK, { Prefer: 'respond-async' })))
    expect(countStatuses(responses)).toEqual({ 202: 3, 429: 7 })
  })

  test('an execution started before is found under its key although the limit is reached', async () => {
    const { create } = handlerRig({ maxExecutions: 1 })
    const headers = { Prefer: 'respond-async', 'Idempotency-Key': 'k' }
    await create(ONE_TASK, headers)
    const again = await create(ONE_TASK, headers)
    expect([again.status, again.headers.get('execution-id')]).toEqual([202, 'x1'])
    await expectRefused(await create(ONE_TASK, { ...headers, 'Idempotency-Key': 'l' }), 429, 'TOO_MANY_EXECUTIONS')
    expect((await readProblem(await create({ tasks: [] }, headers))).status).toBe(409)
  })

  test('an invalid workflow takes no place', async () => {
    const { create, begin } = handlerRig({ maxExecutions: 1 })
    expect((await create({ tasks: [{ id: 'a', tool: 'none' }] })).status).toBe(422)
    expect(await begin(ONE_TASK)).not.toBe('')
  })
})

describe('maxSubscribers', () => {
  test('more than may read at once are refused with 429 until one has left', async () => {
    const { begin, get, create, tool } = handlerRig({ maxSubscribers: 2 })
    await begin(ONE_TASK)
    await tool.nextCall('a')
    const first = follow(await get('/executions/x1/events'))
    const second = follow(await get('/executions/x1/events'))
    await expectRefused(await get('/executions/x1/events'), 429, 'TOO_MANY_SUBSCRIBERS')
    await expectRefused(await create(ONE_TASK, { Accept: STREAM }), 429, 'TOO_MANY_SUBSCRIBERS')
    await tool.idle()
    // Nothing has been begun that nobody could follow.
    expect(tool.started).toEqual(['a'])
    await first.leave()
    await first.leave()
    const third = follow(await get('/executions/x1/events'))
    await expectRefused(await get('/executions/x1/events'), 429, 'TOO_MANY_SUBSCRIBERS')
    await Promise.all([second.leave(), third.leave()])
  })

  test('places are given back at the end of a stream, and by those that stall', async () => {
    const { create, get, tool, clock } = handlerRig({ maxSubscribers: 1, stallTimeoutMs: 1000 })
    const { ended } = follow(await create(ONE_TASK, { Accept: STREAM }))
    ;(await tool.nextCall('a')).succeed()
    await ended
    await get('/executions/x1/events')
    await expectRefused(await get('/executions/x1/events'), 429, 'TOO_MANY_SUBSCRIBERS')
    await clock.run(1000)
    const last = await get('/executions/x1/events')
    expect(last.status).toBe(200)
    await last.text()
  })

  test('nothing runs for those who all ask at once and find no place', async () => {
    const store = answerLater(createMemoryStore())
    const { create, tool, figure } = handlerRig({ maxSubscribers: 3, store })
    const responses = await Promise.all(Array.from({ length: 10 }, () => create(ONE_TASK, { Accept: STREAM })))
    expect(countStatuses(responses)).toEqual({ 200: 3, 429: 7 })
    await tool.nextCalls('a', 'a', 'a')
    await tool.idle()
    expect(tool.started).toHaveLength(3)
    expect(await figure('dagstream_executions_running')).toBe(3)
    for (const { status, body } of responses) if (status === 200) await body?.cancel()
    expect(await figure('dagstream_subscribers')).toBe(0)
  })

  test('a place is given back where nothing could be begun', async () => {
    const { create, figure } = handlerRig({ maxSubscribers: 1, tools: { work: () => 1 } })
    const stream = { Accept: STREAM }
    expect((await create('{', stream)).status).toBe(400)
    expect((await create({ tasks: [{ id: 'a', tool: 'none' }] }, stream)).status).toBe(422)
    expect((await create(ONE_TASK, { ...stream, 'Idempotency-Key': ' ' })).status).toBe(400)
    expect(await figure('dagstream_subscribers')).toBe(0)
    const response = await create(ONE_TASK, stream)
    expect(response.status).toBe(200)
    await response.text()
  })
})

describe('a body over 1 MiB is refused with 413', () => {
  const MAX = 1024 * 1024
  const pad = (size: number): string => JSON.stringify(ONE_TASK).padEnd(size)

  const post = (body: BodyInit, headers: Record<string, string>): Request =>
    new Request('http://localhost/executions', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body,
      duplex: 'half',
    } as RequestInit)

  const inPieces = (text: string): ReadableStream => {
    const bytes = new TextEncoder().encode(text)
    let at = 0
    return new ReadableStream({
      pull(controller) {
        if (at >= bytes.length) return controller.close()
        controller.enqueue(bytes.subarray(at, (at += 100_000)))
      },
    })
  }

  test.each([
    ['one that says its length', (text: string) => post(text, { 'Content-Length': String(text.length) })],
    ['one that does not', (text: string) => post(inPieces(text), {})],
    ['one that says less than it is', (text: string) => post(text, { 'Content-Length': '10' })],
    ['one that says nonsense', (text: string) => post(inPieces(text), { 'Content-Length': 'x' })],
  ])('%s', async (_, make) => {
    const { handler, tool } = handlerRig()
    const response = await handler.fetch(make(pad(MAX + 1)))
    expect(await readProblem(response)).toMatchObject({ status: 413, maxBodyBytes: MAX })
    await tool.idle()
    expect(tool.started).toEqual([])
  })

  test('one byte less is not', async () => {
    const { handler } = handlerRig({ tools: { work: () => 1 } })
    for (const body of [pad(MAX), inPieces(pad(MAX))]) {
      const response = await handler.fetch(post(body, {}))
      expect(response.status).toBe(200)
      await response.text()
    }
  })

  test('one without an end is not read to it', async () => {
    const { handler } = handlerRig()
    let sent = 0
    const body = new ReadableStream({
      pull(controller) {
        sent += 65_536
        controller.enqueue(new Uint8Array(65_536).fill(32))
      },
    })
    expect((await handler.fetch(post(body, {}))).status).toBe(413)
    expect(sent).toBeLessThan(2 * MAX)
  })
})
