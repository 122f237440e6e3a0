import { expect, test } from 'vitest'
import { parseAge, parseAmount, parseCount } from '../../src/cli/input/option-values.ts'

test.each([
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['12h', 43_200_000],
  ['7d', 604_800_000],
])('an age of %s is %i ms', (text, ms) => {
  expect(parseAge(text)).toBe(ms)
})

test.each(['', '7', 'd', '0d', '-1d', '1.5h', '7D', '7 d', '7w', '1e3s', '1234567890d'])('%j is not an age', text => {
  expect(() => parseAge(text)).toThrow('Expected an integer of at least 1 with its unit')
})

test('an amount may have decimals, a count may be zero', () => {
  expect(['0.5', '12', '0.0001'].map(parseAmount)).toEqual([0.5, 12, 0.0001])
  expect(['0', '10000'].map(parseCount)).toEqual([0, 10_000])
})

test.each(['', '0', '0.0', '-1', '.5', '1e3', '1,5', ' 1', '9'.repeat(400)])('%j is not an amount', text => {
  expect(() => parseAmount(text)).toThrow('Expected a number above 0')
})
