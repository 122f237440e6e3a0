import { expect, test } from 'vitest'
import { JsonNumber, parseJson } from '../../src/index.ts'
import { replaceJsonNumbers, toDoubles } from '../../src/json/replace-numbers.ts'

test('numbers are replaced in document order, with their paths; what is around them is copied and the rest shared', () => {
  const value = parseJson('{"a":[1,1e999,{"b":-1e999}],"c":{"d":[2]},"__proto__":1e400}') as Record<string, unknown>
  const seen: string[] = []
  const replaced = replaceJsonNumbers(value, ({ text }, path) => {
    seen.push(`${path.join('.')}=${text}`)
    return text.length
  }) as Record<string, unknown>
  expect(seen).toEqual(['a.1=1e999', 'a.2.b=-1e999', '__proto__=1e400'])
  expect(Object.entries(replaced)).toEqual([
    ['a', [1, 5, { b: 6 }]],
    ['c', { d: [2] }],
    ['__proto__', 5],
  ])
  expect(replaced['c']).toBe(value['c'])
  expect((value['a'] as unknown[])[1]).toEqual(new JsonNumber('1e999'))
})

test('a value without such numbers is returned as it is', () => {
  for (const value of [1, null, 'x', [], { a: [{}] }]) expect(toDoubles(value)).toBe(value)
  expect(toDoubles(new JsonNumber('-1e999'))).toBe(Number.NEGATIVE_INFINITY)
})

test('nesting has no bound', () => {
  const depth = 200_000
  let value = toDoubles(parseJson(`${'[{"a":'.repeat(depth)}1e999${'}]'.repeat(depth)}`))
  for (let level = 0; level < depth; level++) value = (value as [{ a: unknown }])[0].a
  expect(value).toBe(Number.POSITIVE_INFINITY)
})
