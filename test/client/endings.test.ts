import { expect, test } from 'vitest'
import { idle } from '../support/fake-clock.ts'
import { collect, collectUntilFailure } from './client-rig.ts'
import { terminated } from './fake-server.ts'
import { type Item, source } from './item-source.ts'
import { COMPLETE, CONTENT, DONE, rig, sources, TOKEN } from './reconnection-rig.ts'

test.each<[string, Item[]]>([
  ['its last event', [TOKEN, COMPLETE]],
  ["a provider's `done`", [CONTENT, DONE]],
  ["a provider's final error", [CONTENT, { type: 'error', data: { code: 4000, message: 'no', retryable: false } }]],
  ['nothing at all', []],
  ['an item that is not known', [{ type: 'tick' }]],
  ['an item that is not known after one that is', [TOKEN, { type: 'tick' }]],
  ['the snapshot of a finished execution', [{ type: 'snapshot', data: { status: 'partial' }, id: 'x.9' }]],
])('a stream that ends after %s has ended well', async (_, items) => {
  const { manager, delays } = rig()
  expect(await collect(manager.run(sources(source(...items))))).toEqual(items)
  expect(delays).toEqual([])
})

test('a final item ends the run, whatever its source does then', async () => {
  const { manager, delays } = rig()
  expect(await collect(manager.run(sources(source(TOKEN, COMPLETE, terminated()))))).toEqual([TOKEN, COMPLETE])
  expect(delays).toEqual([])
})

test.each(['execution_start', 'task_start', 'token', 'task_complete', 'token_usage', 'content', 'usage'])(
  'a stream that ends after `%s` was cut, and is opened again',
  async type => {
    const { manager, clock, delays } = rig()
    const reading = collect(manager.run(sources(source({ type }), source(DONE))))
    await clock.run(1000)
    expect([await reading, delays]).toEqual([[{ type }, DONE], [1000]])
  },
)

test('an error event for a damaged record is passed on and not retried', async () => {
  const damaged: Item = { type: 'error', data: { error: 'Damaged', code: 'RECORD_UNUSABLE' } }
  const { manager, delays } = rig()
  const { items, error } = await collectUntilFailure(manager.run(sources(source(TOKEN, damaged))))
  expect([items, error, delays]).toEqual([
    [TOKEN, damaged],
    expect.objectContaining({ code: 'RECORD_UNUSABLE', message: 'Damaged' }),
    [],
  ])
})

test("a provider's retryable error is not passed on, and asked around after the time it names", async () => {
  const busy: Item = { type: 'error', data: { code: 2001, message: 'slow down', retryable: true, retryAfterMs: 5000 } }
  const { manager, clock, delays } = rig({ maxRetries: 1 })
  const reading = collect(manager.run(sources(source(CONTENT, busy), source(CONTENT, DONE))))
  await clock.run(5000)
  expect([await reading, delays]).toEqual([[CONTENT, CONTENT, DONE], [5000]])
  const givenUp = collectUntilFailure(manager.run(sources(source(busy), source(busy))))
  await clock.run(5000)
  expect((await givenUp).error).toMatchObject({ code: 'CONNECTION_LOST', attempts: 2, cause: busy.data })
})

test('a failure that says how long to wait is waited for, beyond the longest delay too', async () => {
  const ask = (retryAfterMs: number): Error =>
    Object.assign(new Error('busy'), { status: 429, details: { retryAfterMs } })
  const { manager, clock, delays } = rig()
  const reading = collectUntilFailure(
    manager.run(sources(source(ask(500)), source(ask(300_000)), source(ask(-5)), source(ask(300_001)))),
  )
  await clock.run(400_000)
  expect((await reading).error).toMatchObject({ code: 'CONNECTION_LOST', attempts: 4, status: 429 })
  expect(delays).toEqual([1000, 300_000, 4000])
})

test.each([
  ['an error of programming', new TypeError("Cannot read properties of undefined (reading 'x')")],
  ['an answer that is final', Object.assign(new Error('Not found'), { status: 404 })],
  ['an abort', new DOMException('aborted', 'AbortError')],
])('%s is thrown as it is, at once', async (_, error) => {
  const { manager, delays } = rig()
  expect(await collectUntilFailure(manager.run(sources(source(TOKEN, error))))).toEqual({ items: [TOKEN], error })
  const throwing = (): never => {
    throw error
  }
  expect(await collectUntilFailure(manager.run(throwing))).toEqual({ items: [], error })
  expect(delays).toEqual([])
})

test('an `open` that returns no source is a programming error', async () => {
  const { manager } = rig()
  for (const nothing of [undefined, {}, 5]) {
    const { error } = await collectUntilFailure(manager.run(() => nothing as never))
    expect(error).toBeInstanceOf(TypeError)
  }
})

test('the failure is reported before the wait, and an error of a callback ends the run', async () => {
  const told: unknown[] = []
  const failing = new Error('from the callback')
  const { manager, clock } = rig({
    onReconnect(reconnect) {
      told.push(reconnect)
      if (reconnect.attempt === 2) throw failing
    },
  })
  const reading = collectUntilFailure(manager.run(sources()))
  await idle()
  expect(told).toEqual([{ attempt: 1, delayMs: 1000, error: terminated() }])
  await clock.run(1000)
  expect((await reading).error).toBe(failing)
  expect(clock.timerCount).toBe(0)
})
