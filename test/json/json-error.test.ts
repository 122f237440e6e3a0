import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findJsonError } from '../../src/json/json-error.ts'

test.each([
  ['{"a":1,}', 1, 8],
  ['[1,]', 1, 4],
  ['', 1, 1],
  ['{"a" 1}', 1, 6],
  ['[1 2]', 1, 4],
  ['{"a":tru}', 1, 6],
  ['[01]', 1, 2],
  ['{"a":"x\ny"}', 1, 8],
  ['{}x', 1, 3],
  ['[[', 1, 3],
  ['"ab', 1, 4],
  ['["a\\x"]', 1, 4],
  ["{'a':1}", 1, 2],
  ['[NaN]', 1, 2],
  ['{\n  "a": 1,\n  "b": ]\n}', 3, 8],
])('%j breaks the grammar at line %i, column %i', (text, line, column) => {
  expect(findJsonError(text)).toEqual({ line, column })
})

test('it agrees with JSON.parse about what is JSON', () => {
  const nearlyJson = fc
    .tuple(fc.json(), fc.nat(), fc.constantFrom('', ',', '"', '[', '}', ':', '0', '\\', '-', '.', 'e', ' '))
    .map(
      ([json, at, change]) => json.slice(0, at % (json.length + 1)) + change + json.slice((at % (json.length + 1)) + 1),
    )
  fc.assert(
    fc.property(nearlyJson, text => {
      expect(findJsonError(text) === undefined).toBe(parses(text))
    }),
    { numRuns: 2000 },
  )
})

test('long strings and deep nesting are not harder', () => {
  expect(findJsonError(`["${'a\\n'.repeat(1_000_000)}",]`)).toEqual({ line: 1, column: 3_000_005 })
  expect(findJsonError(`"${'a'.repeat(1_000_000)}`)).toEqual({ line: 1, column: 1_000_002 })
  expect(findJsonError('['.repeat(1_000_000))).toEqual({ line: 1, column: 1_000_001 })
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
