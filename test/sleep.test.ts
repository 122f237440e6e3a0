import { getEventListeners } from 'node:events'
import { expect, test } from 'vitest'
import { sleep } from '../src/sleep.ts'
import { FakeClock } from './support/fake-clock.ts'

test('it resolves once the time is over, and leaves nothing', async () => {
  const clock = new FakeClock()
  const { signal } = new AbortController()
  const slept: string[] = []
  const all = Promise.all([
    sleep(clock, 10).then(() => slept.push('short')),
    sleep(clock, 20, signal).then(() => slept.push('long')),
  ])
  await clock.run(10)
  expect(slept).toEqual(['short'])
  await clock.run(10)
  await all
  expect([slept, clock.timerCount, getEventListeners(signal, 'abort')]).toEqual([['short', 'long'], 0, []])
})

test('it rejects with the reason of an abort, before or during it, and leaves nothing', async () => {
  const clock = new FakeClock()
  const controller = new AbortController()
  const reason = new Error('enough')
  const sleeping = sleep(clock, 10, controller.signal)
  controller.abort(reason)
  await expect(sleeping).rejects.toBe(reason)
  await expect(sleep(clock, 10, controller.signal)).rejects.toBe(reason)
  expect([clock.timerCount, getEventListeners(controller.signal, 'abort')]).toEqual([0, []])
})
