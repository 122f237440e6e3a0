import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatMs, formatNumberOf, formatUsage, toPlainLine, toPlainText } from '../../src/cli/render/text.ts'

test('control characters and reversed text are shown as escapes', () => {
  expect(toPlainLine('a\u001b[2Jb\u0007\n\r\t\u009b1m\u202ec\u2028é漢🙂')).toBe(
    'a\\u001b[2Jb\\u0007\\n\\r\\t\\u009b1m\\u202ec\\u2028é漢🙂',
  )
  expect(toPlainText('a\n\tb\u001b\r')).toBe('a\n\tb\\u001b\\r')
})

test('no text makes a line do anything but show', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      expect(toPlainLine(text)).not.toMatch(/\p{Cc}/u)
      expect(toPlainText(text).replaceAll(/[\n\t]/g, '')).not.toMatch(/\p{Cc}/u)
    }),
  )
})

test('times are reported with three digits or so', () => {
  expect([0, 0.04, 9.94, 9.96, 999.4, 999.6, 1240, 59_990, 59_999, 123_456].map(formatMs)).toEqual([
    '0.0ms',
    '0.0ms',
    '9.9ms',
    '10ms',
    '999ms',
    '1.00s',
    '1.24s',
    '59.99s',
    '1m00s',
    '2m03s',
  ])
})

test('usage is reported with its cost, where one was reported', () => {
  expect(formatUsage({ totalTokensIn: 1234, totalTokensOut: 5678, totalCost: 0.0965 })).toBe(
    '1,234 in, 5,678 out, $0.0965',
  )
  expect(formatUsage({ totalTokensIn: 0, totalTokensOut: 0, totalCost: 0 })).toBe('0 in, 0 out, $0.0000')
  expect(formatUsage({ totalTokensIn: 1, totalTokensOut: 2, totalCost: 0.000_001 })).toBe('1 in, 2 out, <$0.0001')
  expect(formatUsage({ totalTokensIn: 1, totalTokensOut: 2 })).toBe('1 in, 2 out')
})

test('a number of things agrees with its noun', () => {
  expect([0, 1, 100_000].map(count => formatNumberOf(count, 'task'))).toEqual(['0 tasks', '1 task', '100,000 tasks'])
})
