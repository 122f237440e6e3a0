import { describe, expect, test } from 'vitest'
import { createMemoryStore, DagstreamError, type ExecutionStore } from '../../../src/index.ts'
import { follow, handlerRig, ONE_TASK, readProblem, STREAM } from '../handler/handler-rig.ts'

const SECRET = 'private: postgres://user:word@db'

/** A store of which `method` fails from its `from`th call on, at once or later. */
function failing(method: keyof ExecutionStore, isLater: boolean, error: unknown, from = 1): ExecutionStore {
  const store = createMemoryStore()
  let count = 0
  const fail = (...args: never[]): unknown => {
    count += 1
    if (count < from) return (store[method] as (...given: never[]) => unknown)(...args)
    if (!isLater) throw error
    return new Promise((_, reject) => setImmediate(() => reject(error)))
  }
  return { ...store, [method]: fail }
}

const ERRORS = [
  ['an error', new Error(SECRET)],
  ['a DagstreamError', new DagstreamError('STORE_FAILED', SECRET)],
  ['one that lost its lease', new DagstreamError('FENCED', SECRET)],
  ['a text', SECRET],
  ['nothing', undefined],
  ['what cannot be shown', Object.create(null)],
] as const

const CASES = ERRORS.flatMap(([name, error]) => [false, true].map(isLater => ({ name, error, isLater })))

describe.each(CASES)('a store that fails with $name (later: $isLater)', ({ error, isLater }) => {
  test.each(['create', 'claim'] as const)(
    'when an execution is to begin, in %s: 503, and nothing runs',
    async method => {
      const { create, tool, log, figure, clock } = handlerRig({ store: failing(method, isLater, error) })
      for (const headers of [{ Accept: STREAM }, {}, { Prefer: 'respond-async' }] as Record<string, string>[]) {
        const response = await create(ONE_TASK, headers)
        const text = await response.clone().text()
        expect(response.headers.get('retry-after')).toBe('1')
        const { reference, status } = await readProblem(response)
        expect([status, text.includes('private')]).toEqual([503, false])
        expect(log.filter(line => line.includes(reference as string))).toHaveLength(1)
      }
      await tool.idle()
      expect([tool.started, clock.timerCount]).toEqual([[], 0])
      expect([await figure('dagstream_executions_running'), await figure('dagstream_subscribers')]).toEqual([0, 0])
    },
  )

  test.each([1, 2, 3])('in append %d: readers are notified, and the bodies of waiters are truncated', async from => {
    const key = { 'Idempotency-Key': 'k' }
    const rig = handlerRig({ store: failing('append', isLater, error, from) })
    const stream = rig.follow(ONE_TASK, key)
    const waiting = follow(await rig.create(ONE_TASK, key))
    const { messages, ended } = await stream
    if (from > 1) (await rig.tool.nextCall('a')).succeed(1)
    await ended
    // A request after the loss is answered at once.
    if (waiting.response.status === 503) await waiting.ended
    else await expect(waiting.ended).rejects.toThrow()
    const last = messages.at(-1)
    expect([last?.event, last?.id]).toEqual(['error', undefined])
    expect(JSON.parse(last?.data as string)).toMatchObject({ executionId: 'x1', code: expect.any(String) })
    expect(JSON.stringify(messages)).not.toContain('private')
    await rig.clock.run(2000)
    expect([await rig.figure('dagstream_executions_running'), rig.clock.timerCount]).toEqual([0, 0])
    expect(await rig.figure('dagstream_executions_total{status="lost"}')).toBe(1)
    // A repeated request shows that it does not continue.
    const shown = await rig.get('/executions/x1')
    expect(await shown.json()).toEqual({ executionId: 'x1', status: 'running' })
    const again = follow(await rig.get('/executions/x1/events'))
    await again.ended
    expect(again.messages.at(-1)?.event).toBe('error')
  })

  const READS: readonly (readonly [keyof ExecutionStore, string, string])[] = [
    ['get', 'GET', ''],
    ['get', 'GET', '/events'],
    ['get', 'POST', '/cancel'],
    ['get', 'DELETE', ''],
    ['get', 'GET', '/tasks/a/output'],
    ['read', 'GET', ''],
    ['read', 'GET', '/events'],
    ['readBase', 'GET', ''],
    ['delete', 'DELETE', ''],
  ]

  test.each(READS)('in %s on %s /executions/{id}%s: 503', async (method, verb, path) => {
    const store = createMemoryStore()
    await (await handlerRig({ store, tools: { work: () => 1 } }).create(ONE_TASK)).text()
    const failed = failing(method, isLater, error)[method]
    const { send, log } = handlerRig({ store: { ...store, [method]: failed } })
    const response = await send(verb, `/executions/x1${path}`)
    const text = await response.clone().text()
    const { status, reference } = await readProblem(response)
    expect([status, text.includes('private'), response.headers.get('retry-after')]).toEqual([503, false, '1'])
    expect(log.filter(line => line.includes(reference as string))).toHaveLength(1)
  })

  test('in list: 503', async () => {
    const { get } = handlerRig({ store: failing('list', isLater, error) })
    const response = await get('/executions')
    const text = await response.clone().text()
    expect([(await readProblem(response)).status, text.includes('private')]).toEqual([503, false])
  })

  test('in getOutput: 503 for the output, a broken body for the result', async () => {
    const store = createMemoryStore()
    await (await handlerRig({ store, tools: { work: () => 'x'.repeat(70_000) } }).create(ONE_TASK)).text()
    const failed = failing('getOutput', isLater, error)
    const { get, log } = handlerRig({
      store: {
        ...store,
        // Only what is text, as a store on disk has it.
        read: async (executionId, afterSeq, limit) =>
          (await store.read(executionId, afterSeq, limit)).map(({ seq, type, json }) => ({ seq, type, json })),
        getOutput: (...args) => failed.getOutput(...args),
      },
    })
    const response = await get('/executions/x1/tasks/a/output')
    const text = await response.clone().text()
    expect([(await readProblem(response)).status, text.includes('private')]).toEqual([503, false])
    const result = await get('/executions/x1')
    expect(result.status).toBe(200)
    const failure = await result.text().catch((reason: unknown) => String(reason))
    expect(failure).not.toContain('private')
    expect(failure).toContain('could not be completed')
    expect(log.filter(line => line.startsWith('The result could not be sent'))).toHaveLength(1)
  })

  test('in putOutput: like an append', async () => {
    const { follow: followNew } = handlerRig({
      store: failing('putOutput', isLater, error),
      tools: { work: () => 'x'.repeat(70_000) },
    })
    const { messages, ended } = await followNew(ONE_TASK)
    await ended
    expect(messages.at(-1)?.event).toBe('error')
    expect(JSON.stringify(messages)).not.toContain('private')
  })
})

test('the cause of a failure of the store is in the log', async () => {
  const { create, log } = handlerRig({ store: failing('create', false, new Error(SECRET)) })
  await create(ONE_TASK)
  expect(log).toHaveLength(1)
  expect(log[0]).toContain(SECRET)
})

test('a store that has lost the execution of a key is answered with 503', async () => {
  const store = createMemoryStore()
  const { create } = handlerRig({
    store: { ...store, create: record => ({ ...record, executionId: 'gone', status: 'success' }) },
  })
  expect((await readProblem(await create(ONE_TASK, { 'Idempotency-Key': 'k' }))).status).toBe(503)
})

describe('a format that fails', () => {
  test('ends its stream with an error event that does not reveal the cause', async () => {
    const {
      follow: followNew,
      tool,
      log,
    } = handlerRig({
      format({ type }) {
        if (type === 'task_complete' || type === 'error') throw new Error(SECRET)
        return `data: ${type}\n\n`
      },
    })
    const { messages, ended } = await followNew(ONE_TASK)
    ;(await tool.nextCall('a')).succeed()
    await ended
    const last = messages.at(-1)
    expect(last?.event).toBe('error')
    expect(JSON.stringify(messages)).not.toContain('private')
    const reference = /reference ([0-9a-f-]{36})/.exec(last?.data as string)?.[1] as string
    expect(log.filter(line => line.includes(reference) && line.includes(SECRET))).toHaveLength(1)
  })
})

test("only the message of a tool's error is sent", async () => {
  const { create, get } = handlerRig({
    tools: {
      work() {
        const error = new Error('The page does not exist', { cause: new Error(SECRET) })
        throw Object.assign(error, { url: SECRET, stack: SECRET })
      },
    },
  })
  const text = await (await create(ONE_TASK, { Accept: STREAM })).text()
  const shown = await (await get('/executions/x1')).text()
  const snapshot = await (await get('/executions/x1/events?after=x1.99')).text()
  for (const each of [text, shown, snapshot]) {
    expect(each).toContain('The page does not exist')
    expect(each).not.toContain('private')
  }
  expect(snapshot).toContain('event: snapshot')
})

test('an id that cannot be used is a fault of the server: 500, logged', async () => {
  const { create, log } = handlerRig({ createId: () => 'private id' })
  const { status, reference } = await readProblem(await create(ONE_TASK))
  expect([status, log.filter(line => line.includes(reference as string)).length]).toEqual([500, 1])
})

test('a logger that throws affects no answer', async () => {
  const logger = {
    debug: () => {},
    warn() {
      throw new Error(SECRET)
    },
  }
  const { create } = handlerRig({ logger, store: failing('create', false, new Error(SECRET)) })
  expect((await readProblem(await create(ONE_TASK))).status).toBe(503)
})
