import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type JsonPlace, locate } from '../../src/json/locate.ts'
import { positionOf } from '../../src/json/text-position.ts'

const locateOne = (text: string, path: JsonPlace['path'], isKey = false): unknown => {
  const [position] = locate(text, [{ path, isKey }])
  return [position?.line, position?.column]
}

test('a value, a key, an item and the document are found', () => {
  const text = '\n {\n  "a": [1, {"b": "]"}],\r\n\t"c\\u0064" :\n{ "": -1e5 } }'
  expect(locateOne(text, [])).toEqual([2, 2])
  expect(locateOne(text, ['a'])).toEqual([3, 8])
  expect(locateOne(text, ['a'], true)).toEqual([3, 3])
  expect(locateOne(text, ['a', '0'])).toEqual([3, 9])
  expect(locateOne(text, ['a', 1, 'b'])).toEqual([3, 18])
  expect(locateOne(text, ['a', 1, 'b'], true)).toEqual([3, 13])
  expect(locateOne(text, ['cd'])).toEqual([5, 1])
  expect(locateOne(text, ['cd', ''])).toEqual([5, 7])
  expect(locateOne(text, ['cd', ''], true)).toEqual([5, 3])
})

test('a place that the text lacks is that of the innermost value around it', () => {
  const text = '{"a": {"b": [true]}}'
  expect(locateOne(text, ['x'])).toEqual([1, 1])
  expect(locateOne(text, ['a', 'x', 'y'], true)).toEqual([1, 7])
  expect(locateOne(text, ['a', 'b', '1'])).toEqual([1, 13])
  expect(locateOne(text, ['a', 'b', '00'])).toEqual([1, 13])
  expect(locateOne(text, ['a', 'b', '0', 'c'])).toEqual([1, 14])
})

test('an item has no key, nor has the document', () => {
  expect(locateOne('[ 1]', ['0'], true)).toEqual([1, 3])
  expect(locateOne(' 1', [], true)).toEqual([1, 2])
})

test('many places are found at once, in the order that they were asked for', () => {
  const places = [{ path: ['b'] }, { path: ['a'] }, { path: ['b'], isKey: true }, { path: [] }, { path: ['b'] }]
  expect(locate('{"a":1,\n"b":2}', places).map(({ line, column }) => [line, column])).toEqual([
    [2, 5],
    [1, 6],
    [2, 1],
    [1, 1],
    [2, 5],
  ])
})

test('columns are UTF-16 units', () => {
  expect(locateOne('["😀", 1]', ['1'])).toEqual([1, 8])
})

test('names of Object.prototype are names like any other', () => {
  expect(locateOne('{"__proto__": {"constructor": 1}}', ['__proto__', 'constructor'])).toEqual([1, 31])
  expect(locateOne('{}', ['toString'])).toEqual([1, 1])
})

test('deep nesting is no harder', () => {
  const depth = 100_000
  const text = `${'{"a":['.repeat(depth)}${']}'.repeat(depth)}`
  const path = new Array(depth).fill(['a', '0']).flat().slice(0, -1)
  expect(locateOne(text, path)).toEqual([1, depth * 6])
})

/** A string that no random value holds. */
const MARK = 'the string that is looked for'

test('each value and each key is found wherever it stands, whatever is around it', () => {
  const spaces = fc.constantFrom('', ' ', '\t', '\n', '  \r\n ')
  const json = fc.json({ maxDepth: 4 })
  fc.assert(
    fc.property(json, json, spaces, fc.boolean(), (before, after, space, isKey) => {
      const member = isKey ? `"${MARK}"${space}:${space}1` : `"k"${space}:${space}"${MARK}"`
      const text = `${space}[${space}${before},{"a":${before},${space}${member},"z":${after}}${space}]`
      const path = ['1', isKey ? MARK : 'k']
      expect(locate(text, [{ path, isKey }])).toEqual([positionOf(text, text.indexOf(`"${MARK}"`))])
    }),
  )
})
