import { expect, test } from 'vitest'
import { StreamReconnectionManager } from '../../src/client/index.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { collect } from './client-rig.ts'
import { terminated } from './fake-server.ts'
import { complete, type Item, source, token } from './item-source.ts'

/** A source that hangs, and what was done to it. */
class HangingSource implements AsyncIterable<Item> {
  returnCount = 0
  signal: AbortSignal | undefined;

  [Symbol.asyncIterator](): AsyncIterator<Item> {
    return {
      next: () => new Promise(() => {}),
      return: () => {
        this.returnCount += 1
        return Promise.reject(new Error('nobody hears this'))
      },
    }
  }

  readonly open = (_: string | undefined, signal: AbortSignal): HangingSource => {
    this.signal = signal
    return this
  }
}

test('leaving while an item is awaited ends at once and closes the source, once', async () => {
  const hanging = new HangingSource()
  const run = new StreamReconnectionManager().run(hanging.open)
  const next = run.next()
  await idle()
  expect(await run.return()).toEqual({ done: true, value: undefined })
  expect(await next).toEqual({ done: true, value: undefined })
  await run.return()
  expect(await run.next()).toEqual({ done: true, value: undefined })
  await idle()
  expect([hanging.returnCount, hanging.signal?.aborted]).toEqual([1, true])
})

test('leaving during a delay ends at once, with no timer left and nothing opened', async () => {
  const clock = new FakeClock()
  let openCount = 0
  const run = new StreamReconnectionManager({ clock }).run(() => {
    openCount += 1
    return source(terminated())
  })
  const next = run.next()
  await idle()
  expect(clock.timerCount).toBe(1)
  await run.return()
  expect([await next, clock.timerCount]).toEqual([{ done: true, value: undefined }, 0])
  await clock.run(60_000)
  expect(openCount).toBe(1)
})

test('leaving while the source is being opened closes it when it is there', async () => {
  const hanging = new HangingSource()
  let opened: (() => void) | undefined
  const run = new StreamReconnectionManager().run(
    () => new Promise<HangingSource>(resolve => (opened = () => resolve(hanging))),
  )
  const next = run.next()
  await idle()
  await run.return()
  expect((await next).done).toBe(true)
  opened?.()
  await idle()
  expect(hanging.returnCount).toBe(1)
})

test('leaving between two items closes the source; leaving before the first opens none', async () => {
  let isClosed = false
  async function* closing(): AsyncGenerator<Item, void, undefined> {
    try {
      yield token(1)
      yield token(2)
    } finally {
      isClosed = true
    }
  }
  const manager = new StreamReconnectionManager()
  for await (const item of manager.run(closing)) {
    expect(item).toEqual(token(1))
    break
  }
  await idle()
  expect(isClosed).toBe(true)
  await manager
    .run(() => {
      throw new Error('not to be opened')
    })
    .return()
})

test('a source that ended or failed by itself is not closed once more', async () => {
  let returnCount = 0
  const steps = [[token(1)], [complete(2)]]
  const ending = (): AsyncIterable<Item> => {
    const items = source(...(steps.shift() ?? []))
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => items.next(),
        return: async () => {
          returnCount += 1
          return { done: true, value: undefined }
        },
      }),
    }
  }
  const clock = new FakeClock()
  const reading = collect(new StreamReconnectionManager({ clock }).run(ending))
  await clock.run(1200)
  expect(await reading).toHaveLength(2)
  // The second was left at its last event.
  expect(returnCount).toBe(1)
})

test('the signal ends a run with its reason at any moment, and closes the source', async () => {
  const reason = new Error('enough')
  const hanging = new HangingSource()
  const clock = new FakeClock()
  for (const open of [hanging.open, () => source(terminated()), () => new Promise<HangingSource>(() => {})]) {
    const controller = new AbortController()
    const { signal } = controller
    const next = new StreamReconnectionManager({ clock, signal }).run<Item>(open).next()
    next.catch(() => {})
    await idle()
    controller.abort(reason)
    await expect(next).rejects.toBe(reason)
    expect(clock.timerCount).toBe(0)
  }
  expect([hanging.returnCount, hanging.signal?.reason]).toEqual([1, reason])
  const signal = AbortSignal.abort(reason)
  const never = (): never => {
    throw new Error('not to be opened')
  }
  await expect(new StreamReconnectionManager({ signal }).run(never).next()).rejects.toBe(reason)
})
