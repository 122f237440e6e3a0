import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findDuplicateKeys } from '../../src/json/duplicate-keys.ts'
import { parseJson } from '../../src/json/parse-json.ts'

const find = (text: string, max = 10): unknown => findDuplicateKeys(text, parseJson(text), max)

test('each key that its object has already is found, with its path, line and column', () => {
  const text = '{\n  "a": [{"x": 1}, {"x": {"x": 2},\n "x": 3}],\n  "a": ":", "a": 1e999\n}'
  expect(find(text)).toEqual([
    { key: 'x', path: ['a', 1, 'x'], position: { line: 3, column: 2 } },
    { key: 'a', path: ['a'], position: { line: 4, column: 3 } },
    { key: 'a', path: ['a'], position: { line: 4, column: 13 } },
  ])
  expect(find(text, 1)).toEqual([{ key: 'x', path: ['a', 1, 'x'], position: { line: 3, column: 2 } }])
})

test.each([
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
  ['{"constructor":1,"constructor":2}', 'constructor'],
  ['{"":1,"":2}', ''],
  ['{"1":1,"1":2}', '1'],
  ['{"\\ud83d\\ude00":1,"😀":2}', '😀'],
  ['{"a\\"b":1,"a\\u0022b":2}', 'a"b'],
])('%s has a key twice', (text, key) => {
  expect(find(text)).toMatchObject([{ key }])
})

test.each([
  '{}',
  '[]',
  '1',
  '{"a":{"a":{"a":[]}}}',
  '[{"a":1},{"a":2}]',
  '{"a":":","b":"\\":"}',
  '{"a":9007199254740993}',
])('%s has none', text => {
  expect(find(text)).toEqual([])
})

test('output of JSON.stringify has none', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      expect(find(JSON.stringify(value))).toEqual([])
    }),
  )
})

test('deep nesting is no harder, and its path is cut', () => {
  const depth = 100_000
  const text = `${'{"a":'.repeat(depth)}{"b":1,"b":2}${'}'.repeat(depth)}`
  expect(find(text)).toEqual([
    { key: 'b', path: new Array(100).fill('a'), position: { line: 1, column: depth * 5 + 8 } },
  ])
})
