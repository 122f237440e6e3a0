import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonNumber, parseJson, stringifyJson } from '../../src/index.ts'

test.each([
  '9007199254740993',
  '-9007199254740993',
  '18446744073709551615',
  '123456789012345678901234567890',
  '1e999',
  '1e400',
  '-1e400',
  '1.5E+400',
  `1${'0'.repeat(400)}`,
  '9007199254740993.0',
  '9.007199254740993e15',
  '0.9007199254740993e16',
  '9007199254740993.5',
  '90071992547409930e-1',
  '1e-400',
])('%s keeps its digits, by itself and inside', text => {
  expect(parseJson(text)).toEqual(new JsonNumber(text))
  const inside = `{"a":[{"b":${text}},"${text}",${text}],"__proto__":${text}}`
  const value = parseJson(inside) as { a: unknown[] }
  expect(value.a).toEqual([{ b: new JsonNumber(text) }, text, new JsonNumber(text)])
  expect(Object.entries(value)[1]).toEqual(['__proto__', new JsonNumber(text)])
  expect(stringifyJson(value)).toBe(inside)
})

test.each([
  '0',
  '9007199254740991',
  '9007199254740992',
  '-9007199254740992',
  '18446744073709552000',
  '1e23',
  '1.7976931348623157e308',
  '5e-324',
  '0.1234567890123456789012345',
  '9007199254740991.4',
  '0e999',
  '"1e999"',
  '"a \\" 9007199254740993, 1e999"',
  '["\\\\", "9007199254740993"]',
  '{"9007199254740993": "1e999"}',
])('%s is what JSON.parse gives', text => {
  expect(parseJson(text)).toEqual(JSON.parse(text))
})

test.each([
  '',
  '{12345678901234567890: 1}',
  '{ 1e999 : 1}',
  '012345678901234567890',
  '[1 12345678901234567890]',
  '"a" 1e999',
  '1e999"a"',
  'tru12345678901234567890',
  '[12345678901234567890.]',
  '+1e999',
  '[1e999,]',
  '"1e999',
])('%s is refused as JSON.parse refuses it', text => {
  let error: unknown
  try {
    JSON.parse(text)
  } catch (thrown) {
    error = thrown
  }
  expect(() => parseJson(text)).toThrow(error)
})

test('a number is its double in arithmetic, and its digits in text', () => {
  const number = new JsonNumber('9007199254740993')
  expect([Number(number), String(number), number.text, BigInt(number.text)]).toEqual([
    9007199254740992,
    '9007199254740993',
    '9007199254740993',
    9007199254740993n,
  ])
  expect(Number(new JsonNumber('-1e400'))).toBe(Number.NEGATIVE_INFINITY)
  expect(Object.isFrozen(number)).toBe(true)
})

test.each(['', ' 1', '01', '1.', '.5', '+1', 'NaN', 'Infinity', '0x10', '1e', '1n'])(
  '%j is not a number of JSON',
  text => {
    expect(() => new JsonNumber(text)).toThrow('Expected `text` to be a number as JSON writes it')
  },
)

test('nesting has no bound but that of JSON.parse', () => {
  const text = `${'['.repeat(100_000)}1e999${']'.repeat(100_000)}`
  expect(() => parseJson(text)).not.toThrow()
})

test('a text that JSON.parse takes comes back with the same digits, or as the same double', () => {
  const number = fc.stringMatching(/^-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,3})?$/)
  fc.assert(
    fc.property(number, text => {
      const value = parseJson(text)
      if (value instanceof JsonNumber) expect(stringifyJson(value)).toBe(text)
      else expect(value).toBe(JSON.parse(text))
    }),
  )
})

test('every JSON value is what JSON.parse gives', () => {
  fc.assert(
    fc.property(fc.json(), text => {
      expect(parseJson(text)).toEqual(JSON.parse(text))
      expect(stringifyJson(JSON.parse(text))).toBe(JSON.stringify(JSON.parse(text)))
    }),
  )
})
