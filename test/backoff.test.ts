import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backoff } from '../src/backoff.ts'

const policy = { initialDelayMs: 100, maxDelayMs: 1000 }

test('delays double from the first to the last', () => {
  expect([1, 2, 3, 4, 5, 6, 5000].map(count => backoff(policy, count))).toEqual([100, 200, 400, 800, 1000, 1000, 1000])
})

test('jitter varies a delay by its share, never above the maximum', () => {
  const varied = { ...policy, jitter: 0.5 }
  expect([0, 0.5, 1].map(random => backoff(varied, 2, random))).toEqual([100, 200, 300])
  expect(backoff(varied, 9, 1)).toBe(1000)
})

test('a delay is a whole number of milliseconds within the bounds, whatever the random source returns', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true })
  const policies = fc.record({
    initialDelayMs: fc.integer({ min: 0, max: 10_000 }),
    maxDelayMs: fc.integer({ min: 0, max: 10_000 }),
    factor: fc.double({ min: 1, max: 1e9, noNaN: true }),
    jitter: share,
  })
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 5000 }), fc.double(), (each, count, random) => {
      const delayMs = backoff(each, count, random)
      expect(Number.isInteger(delayMs) && delayMs >= 0 && delayMs <= each.maxDelayMs).toBe(true)
    }),
  )
})
