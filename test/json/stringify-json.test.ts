import { expect, test } from 'vitest'
import { JsonNumber, stringifyJson } from '../../src/index.ts'

const big = new JsonNumber('9007199254740993')

test('digits stand in the text as a number, wherever the number is', () => {
  expect(stringifyJson({ a: big, b: [big, { c: new JsonNumber('1e999') }] })).toBe(
    '{"a":9007199254740993,"b":[9007199254740993,{"c":1e999}]}',
  )
  expect(stringifyJson(big)).toBe('9007199254740993')
  expect(stringifyJson([big], 2)).toBe('[\n  9007199254740993\n]')
})

test('the result of toJSON is written too, and one that returns raw JSON', () => {
  expect(stringifyJson({ toJSON: () => ({ id: big }) })).toBe('{"id":9007199254740993}')
  const nested = { a: big, toJSON: (): unknown => ({ inner: stringifyJson([big]), outer: big }) }
  expect(stringifyJson(nested)).toBe('{"inner":"[9007199254740993]","outer":9007199254740993}')
  const foreign = { toJSON: (): unknown => JSON.stringify([big]) }
  expect(stringifyJson(foreign)).toBe('"[\\"9007199254740993\\"]"')
})

test('JSON.stringify never writes a wrong number', () => {
  // A number where the runtime has `JSON.rawJSON`, else a string.
  expect(['[9007199254740993]', '["9007199254740993"]']).toContain(JSON.stringify([big]))
})

test('values that JSON.stringify refuses or omits are treated alike', () => {
  const cycle: unknown[] = [big]
  cycle.push(cycle)
  expect(() => stringifyJson(cycle)).toThrow(TypeError)
  expect(() => stringifyJson(1n)).toThrow(TypeError)
  expect(stringifyJson(undefined)).toBe(undefined)
  expect(stringifyJson([big, undefined, Number.NaN])).toBe('[9007199254740993,null,null]')
  // A failed call leaves nothing behind.
  expect(JSON.stringify({ a: 'x' })).toBe('{"a":"x"}')
})
