import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addTokenUsage, sanitizeTokenUsage } from '../../src/events/token-usage.ts'

test('counts and cost add up, the context is the later one, absent fields stay absent', () => {
  expect(addTokenUsage(undefined, {})).toEqual({ totalTokensIn: 0, totalTokensOut: 0 })
  expect(addTokenUsage(undefined, { totalCost: 0 })).toEqual({ totalTokensIn: 0, totalTokensOut: 0, totalCost: 0 })
  expect(
    addTokenUsage(
      { totalTokensIn: 1, totalTokensOut: 2, totalCost: 0.25, contextTokens: 10 },
      { totalTokensOut: 3, totalCacheReads: 4, totalCost: 0.5, contextTokens: 5 },
    ),
  ).toEqual({ totalTokensIn: 1, totalTokensOut: 5, totalCacheReads: 4, totalCost: 0.75, contextTokens: 5 })
  expect(addTokenUsage({ totalTokensIn: 1, totalTokensOut: 0, contextTokens: 9 }, {}).contextTokens).toBe(9)
})

test('a value that is not a finite number ≥ 0 is ignored and named', () => {
  expect(sanitizeTokenUsage({ totalTokensIn: 5, totalTokensOut: -1, totalCost: Number.NaN, contextTokens: 0 })).toEqual(
    {
      usage: { totalTokensIn: 5, contextTokens: 0 },
      rejected: ['totalTokensOut', 'totalCost'],
    },
  )
  expect(sanitizeTokenUsage({ totalTokensIn: '5', totalCacheReads: Infinity, other: 1 })).toEqual({
    usage: {},
    rejected: ['totalTokensIn', 'totalCacheReads'],
  })
  for (const wrong of [null, undefined, 5, 'usage']) {
    expect(sanitizeTokenUsage(wrong)).toEqual({ usage: {}, rejected: ['(the whole report)'] })
  }
})

test('whatever is reported, what of it is counted are finite numbers of 0 or more', () => {
  fc.assert(
    fc.property(fc.anything(), report => {
      const counted = Object.values(sanitizeTokenUsage(report).usage)
      expect(counted.every(value => Number.isFinite(value) && value >= 0)).toBe(true)
    }),
  )
})

test('sums of the largest numbers stay finite', () => {
  const huge = { totalTokensIn: Number.MAX_VALUE, totalCost: Number.MAX_VALUE }
  const total = addTokenUsage(addTokenUsage(undefined, huge), huge)
  expect(JSON.parse(JSON.stringify(total))).toEqual(total)
})
