import { expect, test } from 'vitest'
import { type ReconnectionOptions, StreamReconnectionManager } from '../../src/client/index.ts'
import { collect, collectUntilFailure } from './client-rig.ts'
import { terminated } from './fake-server.ts'
import { complete, type Item, source, token } from './item-source.ts'
import { COMPLETE, CONTENT, rig, sources, TOKEN } from './reconnection-rig.ts'

test('delays double from one second to ten, and the eleventh failure is the last', async () => {
  const { manager, clock, delays } = rig()
  const reading = collectUntilFailure(manager.run(sources()))
  await clock.run(75_000)
  expect(delays).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000])
  const { error } = await reading
  expect(error).toMatchObject({ name: 'ConnectionLostError', code: 'CONNECTION_LOST', attempts: 11 })
  expect((error as Error).cause).toEqual(terminated())
  expect(clock.timerCount).toBe(0)
})

test('each delay passes in full before the source is opened again', async () => {
  const { manager, clock } = rig({ initialDelayMs: 100, factor: 3, maxDelayMs: 500, maxRetries: 3 })
  let openCount = 0
  const reading = collectUntilFailure(
    manager.run(() => {
      openCount += 1
      return source(terminated())
    }),
  )
  const counts: number[] = []
  for (const ms of [99, 1, 299, 1, 499, 1]) {
    await clock.run(ms)
    counts.push(openCount)
  }
  expect(counts).toEqual([1, 2, 2, 3, 3, 4])
  expect((await reading).error).toMatchObject({ attempts: 4 })
})

test.each([
  [0, [900, 1800, 3600, 7200, 9000, 9000]],
  [1, [1100, 2200, 4400, 8800, 10_000, 10_000]],
  [0.25, [950, 1900, 3800, 7600, 9500, 9500]],
  [Number.NaN, [1000, 2000, 4000, 8000, 10_000, 10_000]],
  [7, [1000, 2000, 4000, 8000, 10_000, 10_000]],
])('jitter of a random %d varies each delay by its share', async (random, expected) => {
  const { manager, clock, delays } = rig({ random: () => random, maxRetries: 6 })
  const reading = collectUntilFailure(manager.run(sources()))
  await clock.run(60_000)
  await reading
  expect(delays).toEqual(expected)
})

test('no random number makes a delay leave its bounds, or fall below zero', async () => {
  for (const jitter of [0, 0.1, 1]) {
    const { manager, clock, delays } = rig({ random: Math.random, jitter, maxRetries: 200 })
    const reading = collectUntilFailure(manager.run(sources()))
    await clock.run(200 * 20_000)
    await reading
    delays.forEach((delay, at) => {
      const middle = Math.min(10_000, 1000 * 2 ** at)
      expect(delay).toBeGreaterThanOrEqual(Math.floor(middle * (1 - jitter)))
      expect(delay).toBeLessThanOrEqual(Math.min(10_000, Math.ceil(middle * (1 + jitter))))
    })
    expect(delays).toHaveLength(200)
  }
})

test('a delay of zero stays zero however often it is multiplied', async () => {
  const { manager, clock, delays } = rig({ initialDelayMs: 0, factor: 1e300, maxRetries: 3 })
  const reading = collectUntilFailure(manager.run(sources()))
  await clock.run(0)
  await clock.run(0)
  await reading
  expect(delays).toEqual([0, 0, 0])
})

test('a new item sets the count and the delay back, however often the connection is cut behind one', async () => {
  const { manager, clock, delays } = rig({ maxRetries: 3 })
  const items = [...Array.from({ length: 30 }, (_, i) => token(i + 1)), complete(31)]
  const reading = collect(
    manager.run(last => {
      const at = last === undefined ? 0 : Number(last.slice(2))
      return source(items[at] as Item, terminated())
    }),
  )
  await clock.run(60_000)
  expect(await reading).toEqual(items)
  expect(delays).toEqual(Array.from({ length: 30 }, () => 1000))
})

test('connections that bring nothing count between those that do', async () => {
  const { manager, clock, delays } = rig({ maxRetries: 2 })
  const all = [source(token(1), terminated()), source(terminated()), source(token(2), terminated())]
  const reading = collectUntilFailure(manager.run(sources(...all)))
  await clock.run(60_000)
  const { items, error } = await reading
  expect([items, delays, error]).toMatchObject([[token(1), token(2)], [1000, 2000, 1000, 2000], { attempts: 3 }])
})

const snapshot = (seq: number): Item => ({ type: 'snapshot', id: `x.${seq}`, data: { status: 'running' } })
test.each<[string, () => Item[]]>([
  ['items without an id', () => [TOKEN, TOKEN]],
  ['a provider that begins anew', () => [CONTENT, CONTENT]],
  ['the same event', () => [token(1)]],
  ['the events from the beginning', () => [token(1), token(2), token(3)]],
  ['events in another order', () => [token(3), token(1), token(2)]],
  ['the same snapshot', () => [snapshot(5)]],
  ['an older event behind each snapshot', () => [snapshot(5), token(4)]],
  ['the same id of another form', () => [{ type: 'token', id: 'abc' }]],
  ['ids of another form from the beginning', () => Array.from({ length: 500 }, (_, i) => ({ type: 'x', id: `#${i}` }))],
  ['an event of another execution', () => [token(1), token(1, 'y')]],
  ['an id that is too long to remember', () => [{ type: 'token', id: 'i'.repeat(1001) }]],
  ['faults', () => [{ type: 'error', data: { code: 'X' } }]],
])('a source that brings %s again and again is given up', async (_, make) => {
  const { manager, clock, delays } = rig({ maxRetries: 3 })
  const reading = collectUntilFailure(manager.run(() => source(...make(), terminated())))
  await clock.run(60_000)
  expect([delays, (await reading).error]).toMatchObject([[1000, 2000, 4000], { attempts: 4 }])
})

test('faults whose ids are new do not set the count back', async () => {
  const { manager, clock, delays } = rig({ maxRetries: 3 })
  let seq = 0
  const reading = collectUntilFailure(manager.run(() => source({ type: 'error', id: `x.${++seq}`, data: {} })))
  await clock.run(60_000)
  expect([delays, (await reading).error]).toMatchObject([[1000, 2000, 4000], { attempts: 4 }])
})

test('the position at which a run began is not a new item', async () => {
  const { manager, clock, delays } = rig({ maxRetries: 2 })
  const reading = collectUntilFailure(manager.run(() => source(token(1), token(2), terminated()), 'x.2'))
  await clock.run(60_000)
  expect([delays, await reading]).toMatchObject([[1000, 2000], { items: [], error: { attempts: 3 } }])
})

test('without retries a new item does not help', async () => {
  const { manager } = rig({ maxRetries: 0 })
  const { items, error } = await collectUntilFailure(manager.run(() => source(token(1), terminated())))
  expect([items, error]).toMatchObject([[token(1)], { attempts: 1 }])
})

test('the counter is the one of all runs, and a stream that ended well sets it back', async () => {
  const { manager, clock, delays } = rig({ maxRetries: 3 })
  const first = collect(manager.run(sources(source(terminated()), source(terminated()), source(COMPLETE))))
  await clock.run(3000)
  await first
  const second = manager.run(sources(source(terminated()), source(TOKEN)))[Symbol.asyncIterator]()
  const next = second.next()
  await clock.run(1000)
  await next
  // Left in the middle: neither well nor badly.
  await second.return()
  const third = collectUntilFailure(manager.run(sources()))
  await clock.run(20_000)
  expect((await third).error).toMatchObject({ attempts: 4 })
  // The reader was notified and starts again.
  const fourth = collect(manager.run(sources(source(terminated()), source(COMPLETE))))
  await clock.run(1000)
  await fourth
  expect(delays).toEqual([1000, 2000, 1000, 2000, 4000, 1000])
})

test('a client that leaves at the last event leaves a stream that ended well', async () => {
  const { manager, clock, delays } = rig()
  const reading = (async () => {
    for await (const { type } of manager.run(sources(source(terminated()), source(TOKEN, COMPLETE)))) {
      if (type === 'execution_complete') break
    }
  })()
  await clock.run(1000)
  await reading
  const again = collect(manager.run(sources(source(terminated()), source(COMPLETE))))
  await clock.run(1000)
  await again
  expect(delays).toEqual([1000, 1000])
})

test.each([
  { maxRetries: -1 },
  { maxRetries: 1.5 },
  { maxRetries: '10' },
  { initialDelayMs: -1 },
  { initialDelayMs: Number.POSITIVE_INFINITY },
  { factor: 0.5 },
  { factor: Number.NaN },
  { maxDelayMs: null },
  { jitter: 1.1 },
  { jitter: -0.1 },
  { onReconnect: 5 },
  { onReset: {} },
  { random: 0.5 },
  { clock: {} },
  { signal: {} },
  { retries: 5 },
  5,
  null,
])('%o are not options', options => {
  expect(() => new StreamReconnectionManager(options as ReconnectionOptions)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  )
})

test('without retries, and with any number of them', async () => {
  const none = rig({ maxRetries: 0 })
  expect((await collectUntilFailure(none.manager.run(sources()))).error).toMatchObject({ attempts: 1 })
  const any = rig({ maxRetries: Number.POSITIVE_INFINITY, initialDelayMs: 1, maxDelayMs: 1 })
  const run = any.manager.run(sources())
  const next = run.next()
  await any.clock.run(500)
  expect(any.delays.length).toBeGreaterThan(450)
  await run.return()
  expect([await next, any.clock.timerCount]).toEqual([{ done: true, value: undefined }, 0])
})
