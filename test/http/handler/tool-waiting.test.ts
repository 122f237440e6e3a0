import { expect, test, vi } from 'vitest'
import type { HandlerOptions } from 'dagstream/http'
import { createMemoryStore, type ExecutionStore } from '../../../src/index.ts'
import { type HandlerRig, ONE_TASK, readMessages, readProblem, STREAM } from './handler-rig.ts'
import { createGate, rig as providerRig } from './provider-rig.ts'

const KEY = { 'Idempotency-Key': 'k' }
const ASYNC = { Prefer: 'respond-async' }

/** Of a provider; also tells when requests wait for its tools. */
function rig(options: Partial<HandlerOptions> = {}): ReturnType<typeof providerRig> & {
  /** Settles once so many requests under a key have come that far: their hashes are made on another thread. */
  readonly keysFound: (count: number) => Promise<void>
} {
  const store = createMemoryStore()
  let count = 0
  const findByKey: ExecutionStore['findByKey'] = (owner, key) => {
    count += 1
    return store.findByKey?.(owner, key)
  }
  const all = providerRig({ store: { ...store, findByKey }, ...options })
  const keysFound = async (expected: number): Promise<void> => {
    await vi.waitFor(() => expect(count).toBe(expected))
    await all.tool.idle()
  }
  return { ...all, keysFound }
}

/** Posts a workflow, as a client that can leave. */
function post(
  { handler }: HandlerRig,
  headers: Record<string, string>,
  body: unknown = ONE_TASK,
): { readonly response: Promise<Response>; readonly leave: () => void } {
  const client = new AbortController()
  const request = new Request('http://localhost/executions', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
    signal: client.signal,
  })
  return { response: handler.fetch(request), leave: () => client.abort() }
}

test('repeats under one key join the first: tools are asked for once, and one place is taken', async () => {
  const { create, provider, tool, figure, keysFound } = rig({ maxExecutions: 2 })
  const gate = createGate()
  provider.gate = gate.opened
  const repeats = Array.from({ length: 5 }, () => create(ONE_TASK, { ...KEY, ...ASYNC }))
  await keysFound(5)
  const other = create(ONE_TASK, ASYNC)
  await tool.idle()
  expect(provider.asked).toHaveLength(2)
  expect((await create(ONE_TASK, ASYNC)).status).toBe(429)
  gate.open()
  const ids = (await Promise.all(repeats)).map(({ status, headers }) => `${status} ${headers.get('execution-id')}`)
  expect(new Set(ids)).toEqual(new Set(['202 x1']))
  expect((await other).headers.get('execution-id')).toBe('x2')
  expect(await figure('dagstream_executions_running')).toBe(2)
})

test('a repeat with another body, while tools are waited for, is a conflict', async () => {
  const { create, provider, keysFound } = rig()
  const gate = createGate()
  provider.gate = gate.opened
  const first = create(ONE_TASK, { ...KEY, ...ASYNC })
  await keysFound(1)
  expect(await readProblem(await create({ tasks: [] }, KEY))).toMatchObject({
    status: 409,
    code: 'IDEMPOTENCY_CONFLICT',
  })
  gate.open()
  expect((await first).status).toBe(202)
})

test('keys of different owners are not one', async () => {
  const { create, provider, keysFound } = rig({
    authorize: ({ headers }) => ({ owner: headers.get('x-owner') ?? 'nobody' }),
  })
  const gate = createGate()
  provider.gate = gate.opened
  const asked = ['a', 'b'].map(owner => create(ONE_TASK, { ...KEY, ...ASYNC, 'x-owner': owner }))
  await keysFound(2)
  gate.open()
  const ids = (await Promise.all(asked)).map(({ headers }) => headers.get('execution-id'))
  expect(new Set(ids)).toEqual(new Set(['x1', 'x2']))
})

test('if the tools are unavailable, waiting repeats get the same answer, and the next one asks again', async () => {
  const { create, provider, keysFound } = rig()
  const gate = createGate()
  provider.gate = gate.opened
  provider.failure = new Error('no')
  const asked = [create(ONE_TASK, KEY), create(ONE_TASK, KEY)]
  await keysFound(2)
  gate.open()
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([500, 500])
  provider.failure = undefined
  expect((await create(ONE_TASK, { ...KEY, ...ASYNC })).status).toBe(202)
  expect(provider.asked).toHaveLength(2)
})

test.each([
  ['of a stream', { Accept: STREAM }],
  ['of a result', {}],
  ['under a key', KEY],
])(
  'a client %s that leaves while its tools are waited for gives its place back, and nothing begins',
  async (_, headers) => {
    const all = rig({ maxExecutions: 1, maxSubscribers: 1 })
    const { create, get, provider, tool, figure } = all
    const gate = createGate()
    provider.gate = gate.opened
    const { leave, response } = post(all, headers)
    // The hash of a request under a key is made on another thread.
    await vi.waitFor(() => expect(provider.asked).toHaveLength(1))
    expect((await create(ONE_TASK)).status).toBe(429)
    leave()
    await tool.idle()
    expect((await response).status).toBe(400)
    expect(await figure('dagstream_subscribers')).toBe(0)
    const next = create(ONE_TASK, { Accept: STREAM })
    await tool.idle()
    gate.open()
    const call = await tool.nextCall('a')
    call.succeed()
    await readMessages(await next)
    await tool.idle()
    expect(tool.started).toEqual(['a'])
    expect(await (await get('/executions')).json()).toMatchObject({ executions: [{ executionId: 'x1' }] })
  },
)

test('a client that has left before its tools are asked for gives its place back too', async () => {
  const all = rig({ maxExecutions: 1 })
  all.provider.gate = createGate().opened
  const { leave, response } = post(all, {})
  leave()
  expect((await response).status).toBe(400)
  all.provider.gate = undefined
  expect((await all.create(ONE_TASK, ASYNC)).status).toBe(202)
})

test.each<[what: string, headers: Record<string, string>, body: unknown, options: { onDisconnect?: 'continue' }]>([
  ['with Prefer: respond-async', ASYNC, ONE_TASK, {}],
  ['by its options', {}, { workflow: ONE_TASK, options: { onDisconnect: 'continue' } }, {}],
  ['by those of the handler', {}, ONE_TASK, { onDisconnect: 'continue' }],
])(
  'an execution that continues without subscribers, %s, starts although its client has left',
  async (_, headers, body, options) => {
    const all = rig(options)
    const gate = createGate()
    all.provider.gate = gate.opened
    const { leave, response } = post(all, headers, body)
    await all.tool.idle()
    leave()
    gate.open()
    ;(await all.tool.nextCall('a')).succeed()
    expect((await response).status).toBe(headers === ASYNC ? 202 : 200)
  },
)

test('the first may leave while a repeat waits: it begins for the repeat', async () => {
  const all = rig()
  const gate = createGate()
  all.provider.gate = gate.opened
  const first = post(all, KEY)
  await all.keysFound(1)
  const repeats = [post(all, KEY), post(all, KEY)]
  await all.keysFound(3)
  first.leave()
  repeats[0]?.leave()
  expect([(await first.response).status, (await repeats[0]?.response)?.status]).toEqual([400, 400])
  gate.open()
  ;(await all.tool.nextCall('a')).succeed()
  expect(await (await repeats[1]?.response)?.json()).toMatchObject({ status: 'success' })
})

test('a client that leaves once its tools are there counts as one that follows no more', async () => {
  const all = rig({ onDisconnect: 'cancel' })
  const { leave, response } = post(all, { Accept: STREAM })
  const call = await all.tool.nextCall('a')
  leave()
  await (await response).body?.cancel()
  expect(call.context.signal.aborted).toBe(true)
})
