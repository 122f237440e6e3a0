import { canonicalize } from 'json-canonicalize'
import { expect, test } from 'vitest'
import { JsonNumber, parseJson } from '../../src/index.ts'
import { writeCanonicalJson } from '../../src/json/canonical-json.ts'

test('keys are sorted by UTF-16 units at every depth, and nothing else changes', () => {
  const value = { b: [3, { y: null, x: true }], a: 'é"\n', '\u{1f600}': 1, '\ufb33': 2, 10: 1, 9: 2 }
  expect(writeCanonicalJson(value)).toBe(
    '{"10":1,"9":2,"a":"é\\"\\n","b":[3,{"x":true,"y":null}],"\u{1f600}":1,"\ufb33":2}',
  )
})

test('numbers are written as RFC 8785 says, and those that no double holds with their digits', () => {
  expect(writeCanonicalJson([1.0, 1e21, 1e-7, -0, 333333333.3333333])).toBe('[1,1e+21,1e-7,0,333333333.3333333]')
  const text = '{"big":9007199254740993,"huge":1e400}'
  expect(writeCanonicalJson(parseJson(text))).toBe(text)
  expect(writeCanonicalJson(new JsonNumber('1e400'))).toBe('1e400')
  expect(writeCanonicalJson('#json-number-1')).toBe('"#json-number-1"')
})

test('half of a surrogate pair, nothing at all and a key `toJSON` have a form', () => {
  expect(writeCanonicalJson('\ud800')).toBe('"\\ud800"')
  expect(writeCanonicalJson(undefined)).toBe('undefined')
  expect(writeCanonicalJson({ toJSON: 1 })).toBe('{"toJSON":1}')
})

test('objects of scalars have the text that the library gives them', () => {
  const scalars = ['', 'é"\n\u2028', '\ud800', '\u{1f600}', 0, -0, 1.5, 1e21, 5e-324, 2 ** 53, true, false, null]
  const keys = ['b', 'a', '', '10', '9', '__proto__', '\u{1f600}', '\ufb33', '\udc00', 'toJSON', 'a b', '"']
  for (let at = 0; at < 2000; at++) {
    const entries = Array.from({ length: at % 7 }, (_, n) => [
      keys[(at * 7 + n * (1 + (at % 5))) % keys.length],
      scalars[(at * 3 + n * 5) % scalars.length],
    ])
    const value: unknown = Object.fromEntries(entries)
    expect(writeCanonicalJson(value)).toBe(canonicalize(value))
  }
})
