// oxlint-disable unicorn/consistent-function-scoping -- a helper stands in the one test that needs it
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deadlines, Expiring } from '../../src/attempt/deadlines.ts'
import { FakeClock } from '../support/fake-clock.ts'

class Item extends Expiring {
  readonly #onExpire: () => void

  constructor(onExpire: () => void = () => {}) {
    super()
    this.#onExpire = onExpire
  }

  override expire(): void {
    this.#onExpire()
  }
}

test('each item expires at its own time, once, whatever was removed before', () => {
  const step = fc.record({
    at: fc.nat({ max: 50 }),
    duration: fc.nat({ max: 20 }),
    removeAfter: fc.option(fc.nat({ max: 30 })),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const clock = new FakeClock()
      const deadlines = new Deadlines(clock)
      const start = clock.now()
      const expired: [number, number][] = []
      const expected: [number, number][] = []
      steps.forEach(({ at, duration, removeAfter }, index) => {
        const item = new Item(() => expired.push([index, clock.now() - start]))
        clock.after(at, () => deadlines.set(item, duration, clock.now()))
        const removeAt = removeAfter === null ? undefined : at + removeAfter
        if (removeAt !== undefined) clock.after(removeAt + 0.5, () => deadlines.remove(item))
        if (removeAt === undefined || removeAt >= at + duration) expected.push([index, at + duration])
      })
      clock.advance(200)
      const byIndex = (a: [number, number], b: [number, number]): number => a[0] - b[0]
      expect(expired.sort(byIndex)).toEqual(expected.sort(byIndex))
    }),
  )
})

test('deadlines of one duration share one timer', () => {
  const clock = new FakeClock()
  const deadlines = new Deadlines(clock)
  const items = Array.from({ length: 100 }, () => new Item())
  items.forEach((item, index) => deadlines.set(item, index % 2 === 0 ? 10 : 20, clock.now()))
  expect(clock.timerCount).toBe(2)
  for (const item of items) deadlines.remove(item)
  for (const item of items) deadlines.remove(item)
  clock.advance(30)
  expect(clock.timerCount).toBe(0)
})

test('an expired item may set its next deadline, with the same duration, too', () => {
  const clock = new FakeClock()
  const deadlines = new Deadlines(clock)
  const start = clock.now()
  const times: number[] = []
  const item: Item = new Item(() => {
    times.push(clock.now() - start)
    if (times.length < 4) deadlines.set(item, times.length === 2 ? 0 : 10, clock.now())
  })
  deadlines.set(item, 10, clock.now())
  clock.advance(100)
  expect([times, clock.timerCount]).toEqual([[10, 20, 20, 30], 0])
})

test('a timer that fires early waits for the rest', () => {
  let now = 0
  const armed: { delayMs: number; fire: () => void }[] = []
  const after = (delayMs: number, fire: () => void): (() => void) => {
    armed.push({ delayMs, fire })
    return () => {}
  }
  const deadlines = new Deadlines({ now: () => now, wallTime: () => 0, after })
  let count = 0
  deadlines.set(new Item(() => (count += 1)), 10, 0)
  now = 9.5
  armed[0]?.fire()
  expect([count, armed.map(({ delayMs }) => delayMs)]).toEqual([0, [10, 0.5]])
  now = 10
  armed[1]?.fire()
  expect([count, armed.length]).toEqual([1, 2])
})

test('closing stops every timer', () => {
  const clock = new FakeClock()
  const deadlines = new Deadlines(clock)
  let count = 0
  for (const duration of [1, 2, 2]) deadlines.set(new Item(() => (count += 1)), duration, clock.now())
  deadlines.close()
  clock.advance(10)
  expect([count, clock.timerCount]).toEqual([0, 0])
})
