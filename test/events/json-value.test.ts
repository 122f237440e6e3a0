// oxlint-disable unicorn/consistent-function-scoping -- a helper stands in the one test that needs it
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonValue, utf8Length } from '../../src/events/json-value.ts'
import { NotSerializableError } from '../../src/events/serialize.ts'
import { cutUtf8 } from '../../src/text.ts'

test('any JSON is read as JSON.parse(JSON.stringify()) gives it, a fresh copy each time', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const json = JsonValue.from(value)
      const expected: unknown = JSON.parse(JSON.stringify(value))
      expect(json.read()).toEqual(expected)
      expect(json.peek()).toEqual(expected)
      expect(json.text).toBe(JSON.stringify(expected))
      expect(json.byteLength).toBe(Buffer.byteLength(json.text))
      expect(JSON.stringify({ json })).toBe(`{"json":${json.text}}`)
      if (typeof value === 'object' && value !== null) expect(json.read()).not.toBe(json.read())
    }),
  )
})

test.each<[string, unknown, string]>([
  ['a date', new Date(0), '"1970-01-01T00:00:00.000Z"'],
  ['a boxed string', new String('x'), '"x"'],
  ['a boxed number', new Number(5), '5'],
  ['a boxed false', new Boolean(false), 'false'],
  ['a toJSON that gives a scalar', { toJSON: () => true }, 'true'],
  ['a toJSON that gives nothing', { toJSON: () => undefined }, 'null'],
  ['a toJSON that gives null', { toJSON: () => null }, 'null'],
])('%s has the value of its text, however it is read', (_, value, text) => {
  const json = JsonValue.from(value)
  const expected: unknown = JSON.parse(text)
  expect([json.text, json.read(), json.peek(), JSON.stringify({ json })]).toEqual([
    text,
    expected,
    expected,
    `{"json":${text}}`,
  ])
})

test('a JSON text gives its value', () => {
  for (const text of ['null', '5', '"x"', '{"a":[1]}', '[]', 'true', '""']) {
    const json = JsonValue.fromText(text)
    expect([json.text, json.read(), json.peek()]).toEqual([text, JSON.parse(text), JSON.parse(text)])
  }
})

test('it is a snapshot: changing the value later changes nothing', () => {
  const value = { list: [1] }
  const json = JsonValue.from(value)
  value.list.push(2)
  ;(json.read() as typeof value).list.push(3)
  expect(json.read()).toEqual({ list: [1] })
})

test('a value that is not JSON is refused and named', () => {
  const circular: { self?: unknown } = {}
  circular.self = circular
  const refusal = (value: unknown): string => {
    try {
      return `accepted as ${JsonValue.from(value).text}`
    } catch (error) {
      return error instanceof NotSerializableError ? error.message : `thrown: ${String(error)}`
    }
  }
  expect(refusal(1n)).toBe('a bigint is not JSON')
  expect(refusal(() => 1)).toBe('a function is not JSON')
  expect(refusal(Symbol('s'))).toBe('a symbol is not JSON')
  expect(refusal({ a: { b: () => 1 } })).toBe('it has a function at `a.b`')
  expect(refusal([Symbol('s')])).toBe('it has a symbol at `0`')
  expect(refusal(circular)).toContain('circular')
  expect(
    refusal({
      get a(): never {
        throw new Error('getter')
      },
    }),
  ).toBe('getter')
})

test('bytes are those of UTF-8, for short texts and long', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.integer({ min: 1, max: 300 }), (text, times) => {
      const long = text.repeat(times)
      expect(utf8Length(long)).toBe(Buffer.byteLength(long))
    }),
  )
  expect(utf8Length('\ud800')).toBe(3)
})

test('a cut text is the longest prefix that fits and ends between two characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.nat({ max: 60 }), (text, maxBytes) => {
      const cut = cutUtf8(text, maxBytes)
      expect(text.startsWith(cut)).toBe(true)
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(maxBytes)
      const next = String.fromCodePoint(text.codePointAt(cut.length) ?? 0)
      if (cut !== text) expect(Buffer.byteLength(cut + next)).toBeGreaterThan(maxBytes)
    }),
  )
})
