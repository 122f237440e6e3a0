import { describe, expect, test } from 'vitest'
import type { ProviderParams, ProviderStreamEvent } from '../../../src/integrations/llm/index.ts'
import { FakeClock, idle } from '../../support/fake-clock.ts'
import { collect, type FakeEndpoint, fakeEndpoint, fakeProvider, message, usageMessage } from './stream-rig.ts'

interface Rig {
  readonly endpoint: FakeEndpoint
  readonly clock: FakeClock
  readonly events: ProviderStreamEvent[]
  readonly over: Promise<void>
  /** Lets time pass, then sends this. */
  readonly after: (ms: number, chunk: string) => Promise<void>
}

function rig(params: ProviderParams = {}, take: () => Promise<void> = async () => {}): Rig {
  const clock = new FakeClock()
  const endpoint = fakeEndpoint({ ending: 'stay' })
  const events: ProviderStreamEvent[] = []
  const over = (async () => {
    for await (const event of fakeProvider(endpoint, { clock }).generateStream('hi', params)) {
      events.push(event)
      await take()
    }
  })()
  return {
    endpoint,
    clock,
    events,
    over,
    after: async (ms, chunk) => {
      await clock.run(ms)
      endpoint.send(chunk)
      await idle()
    },
  }
}

const TIMEOUT = { type: 'error', data: { code: 1001, retryable: true } }
const thought = `data: ${JSON.stringify({ choices: [{ delta: { reasoning: 'hm' } }] })}\n\n`

test('comments keep silence away, but not the bound on the first token', async () => {
  const { clock, events, after, over, endpoint } = rig({ idleTimeoutMs: 100, firstTokenTimeoutMs: 1000 })
  for (let sent = 0; sent < 11; sent++) await after(90, ': still here\n\n')
  expect(events).toEqual([])
  await clock.run(10)
  await over
  expect(events).toMatchObject([TIMEOUT])
  expect([endpoint.cancelCount, clock.timerCount]).toEqual([1, 0])
})

test('comments after the first token do not stand for tokens either', async () => {
  const { events, after, over, clock } = rig({ idleTimeoutMs: 100, firstTokenTimeoutMs: 300 })
  await after(90, message('a'))
  for (let sent = 0; sent < 3; sent++) await after(90, ': still here\n\n')
  expect(events.map(({ type }) => type)).toEqual(['content'])
  await clock.run(30)
  await over
  expect(events).toMatchObject([{ type: 'content' }, TIMEOUT])
})

test('silence ends a stream that has begun, with its usage', async () => {
  const { events, after, over, clock } = rig({ idleTimeoutMs: 100, firstTokenTimeoutMs: 1000 })
  await after(0, message('a') + usageMessage(1, 2))
  await clock.run(99)
  expect(events.length).toBe(1)
  await clock.run(1)
  await over
  expect(events).toMatchObject([{ type: 'content' }, { type: 'usage' }, TIMEOUT])
})

test('reasoning counts as the work of the model', async () => {
  const { events, after, clock, endpoint, over } = rig({ idleTimeoutMs: 0, firstTokenTimeoutMs: 100 })
  for (let sent = 0; sent < 5; sent++) await after(90, thought)
  expect(events).toEqual([])
  await after(90, message('a', 'stop'))
  endpoint.end()
  await over
  expect(events.map(({ type }) => type)).toEqual(['content', 'done'])
  expect(clock.timerCount).toBe(0)
})

test('there is no bound on a stream that keeps sending, however long', async () => {
  const { events, after, over, endpoint } = rig()
  for (let minute = 0; minute < 120; minute++) await after(60_000, message('a'))
  await after(60_000, message('b', 'stop'))
  endpoint.end()
  await over
  expect([events.length, events.at(-1)?.type]).toEqual([122, 'done'])
})

test('the default bounds are two minutes each', async () => {
  for (const first of [[], [message('a')]]) {
    const { events, after, over, clock } = rig()
    for (const chunk of first) await after(0, chunk)
    await clock.run(119_999)
    expect(events.length).toBe(first.length)
    await clock.run(1)
    await over
    expect(events.at(-1)).toMatchObject(TIMEOUT)
  }
})

test('a bound of 0 is none', async () => {
  const { events, after, clock, over, endpoint } = rig({ idleTimeoutMs: 0, firstTokenTimeoutMs: 0 })
  await clock.run(1e9)
  await after(1e9, message('a', 'stop'))
  endpoint.end()
  await over
  expect(events.map(({ type }) => type)).toEqual(['content', 'done'])
})

describe('once the model has said why it stopped, its end has as long as silence may last', () => {
  test('usage that comes late is reported', async () => {
    const { events, after, clock, over } = rig({ idleTimeoutMs: 60_000, firstTokenTimeoutMs: 1000 })
    await after(0, message('a', 'stop'))
    await after(59_999, usageMessage(1, 2))
    expect(events.length).toBe(1)
    await clock.run(1)
    await over
    expect(events).toMatchObject([{ type: 'content' }, { type: 'usage' }, { type: 'done' }])
  })

  test('neither comments nor messages without text extend it', async () => {
    const { events, after, clock, over, endpoint } = rig({ idleTimeoutMs: 100 })
    await after(0, message('a', 'stop') + usageMessage(1, 2))
    for (let sent = 0; sent < 9; sent++) await after(10, sent % 2 === 0 ? ': still here\n\n' : usageMessage(1, 3))
    await clock.run(9)
    expect(events.length).toBe(1)
    await clock.run(1)
    await over
    expect(events).toMatchObject([{ type: 'content' }, { type: 'usage', data: { totalTokens: 4 } }, { type: 'done' }])
    expect([endpoint.cancelCount, clock.timerCount]).toEqual([1, 0])
  })

  test('it is two minutes where silence has no bound', async () => {
    const { events, after, clock, over } = rig({ idleTimeoutMs: 0, firstTokenTimeoutMs: 0 })
    await after(0, message('a', 'stop'))
    await clock.run(119_999)
    expect(events.length).toBe(1)
    await clock.run(1)
    await over
    expect(events.map(({ type }) => type)).toEqual(['content', 'done'])
  })

  test('the time that a consumer takes with its last text is not part of it', async () => {
    let release: () => void = () => {}
    const { events, after, clock, over } = rig(
      { idleTimeoutMs: 100 },
      () => new Promise(resolve => (release = resolve)),
    )
    await after(0, message('a', 'stop'))
    await clock.run(10_000)
    release()
    await after(99, usageMessage(1, 2))
    await clock.run(1)
    for (let left = 0; left < 2; left++) {
      release()
      await idle()
    }
    await over
    expect(events.map(({ type }) => type)).toEqual(['content', 'usage', 'done'])
  })
})

test('an error within the stream is reported with the usage that follows it, which is waited for a second', async () => {
  const said = 'data: {"error":{"code":503}}\n\n'
  for (const follow of ['', usageMessage(1, 2)]) {
    const { events, after, clock, over, endpoint } = rig()
    await after(0, message('a') + said)
    await after(500, `: still here\n\n${follow}${message('b', 'stop')}data: {"error":{"code":400}}\n\n`)
    await clock.run(500)
    await over
    expect(events.map(({ type }) => type)).toEqual(follow ? ['content', 'usage', 'error'] : ['content', 'error'])
    expect(events.at(-1)).toMatchObject({ data: { code: 2000 } })
    expect([endpoint.cancelCount, clock.timerCount]).toEqual([1, 0])
  }
})

test('the time that a consumer takes is not the provider’s', async () => {
  let release: () => void = () => {}
  const { events, after, clock, over, endpoint } = rig({ idleTimeoutMs: 100, firstTokenTimeoutMs: 100 }, () => {
    return new Promise(resolve => (release = resolve))
  })
  await after(50, message('a'))
  await clock.run(10_000)
  release()
  await after(50, message('b', 'stop'))
  await clock.run(10_000)
  release()
  await idle()
  endpoint.end()
  await idle()
  release()
  await over
  expect(events.map(({ type }) => type)).toEqual(['content', 'content', 'done'])
})

test('the body of an error response is not waited for long, though it comes bit by bit', async () => {
  for (const bit of ['', ' ']) {
    const clock = new FakeClock()
    const endpoint = fakeEndpoint({ status: 503, headers: { 'retry-after': '2' }, ending: 'stay' })
    const reading = collect(fakeProvider(endpoint, { clock }))
    for (let sent = 0; sent < 5; sent++) {
      await clock.run(1000)
      if (bit !== '' && sent < 4) endpoint.send(bit)
    }
    expect(await reading).toMatchObject([{ type: 'error', data: { code: 2000, retryAfterMs: 2000 } }])
    expect([endpoint.cancelCount, clock.timerCount]).toEqual([1, 0])
  }
})
