import { expect, test } from 'vitest'
import { createInputChecker } from '../../src/tools/argument-checker.ts'
import { isBoundedPattern } from '../../src/tools/bounded-pattern.ts'

function check(schema: object, value: unknown): readonly string[] {
  const checker = createInputChecker(schema as Readonly<Record<string, unknown>>)
  if ('unusable' in checker) return [checker.unusable]
  const checked = checker.check(value)
  return checked instanceof Promise ? [] : checked.problems.map(({ message }) => message)
}

test('common patterns are accepted', () => {
  for (const pattern of [
    '^[a-z0-9-]+$',
    '^\\d{4}-\\d{2}-\\d{2}$',
    '^(?:dev|prod)$',
    '^v\\d{1,5}\\.\\d{1,5}$',
    '^https?://',
    'abc',
    '[*+]',
    '\\+\\*',
    '^[^\\]]*$',
    '^(?<year>\\d{4})',
    '^\\p{L}+$',
  ]) {
    expect([pattern, isBoundedPattern(pattern)]).toEqual([pattern, true])
  }
})

test('patterns that may take more than linear time are refused', () => {
  for (const pattern of [
    '^(a+)+$',
    '^(a|a)*$',
    '(a*)*b',
    '^a+a+$',
    'a+b',
    '^x|a+b',
    '^(\\d+){2,5}$',
    '^(?=a+)b$',
    '^(a)\\1+$',
    '^a{0,100}a{0,100}$',
    '^a{1,}b{1,}$',
    'a{5000}',
    `^${'a?'.repeat(20)}$`,
    'x'.repeat(1001),
  ]) {
    expect([pattern, isBoundedPattern(pattern)]).toEqual([pattern, false])
  }
})

test('a schema that comes with a document has no slow keyword', () => {
  expect(check({ properties: { x: { pattern: '^(a+)+$' } } }, {})[0]).toBe(
    'the pattern `^(a+)+$` may take too long. Begin it with `^`, bound all quantifiers but one as in `{1,20}`, and repeat no group',
  )
  expect(check({ patternProperties: { '(x+)+': {} } }, {})[0]).toContain('may take too long')
  expect(check({ items: { uniqueItems: true } }, {})[0]).toContain('`uniqueItems` may take too long')
  expect(check({ $defs: { x: { format: 'url' } } }, {})[0]).toContain('the format `url` may take too long')
  expect(check({ properties: { x: { pattern: '^[a-z]+$' } } }, { x: 'A' })).toEqual([
    'String does not match pattern, got `"A"` (string)',
  ])
})

test('a check gives up where parts of the schema multiply, and the next one restarts', () => {
  const twice = (name: string): object => ({ allOf: [{ $ref: `#/$defs/${name}` }, { $ref: `#/$defs/${name}` }] })
  const chain = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`s${i}`, twice(`s${i + 1}`)]))
  const schema = { properties: { x: { $ref: '#/$defs/s0' } }, $defs: { ...chain, s40: { type: 'string' } } }
  expect(check(schema, { x: 1 })).toEqual([
    'The arguments cannot be checked: more than 100,000 parts of the schema apply',
  ])
  expect(check({ allOf: [{ $ref: '#/$defs/s0' }], $defs: { ...chain, s40: {} } }, 1)[0]).toContain('100,000 parts')
  const recursive = { $ref: '#/$defs/n', $defs: { n: { properties: { next: twice('n') } } } }
  let deep: object = {}
  for (let i = 0; i < 60; i++) deep = { next: deep }
  expect(check(recursive, deep)[0]).toContain('100,000 parts')
  const checker = createInputChecker(recursive)
  if ('unusable' in checker) throw new Error(checker.unusable)
  expect(checker.check(deep)).toMatchObject({ problems: [{ pointer: '' }] })
  expect(checker.check({ next: {} })).toMatchObject({ problems: [] })
})

test('a check of long texts by many parts gives up after a second', () => {
  const schema = { properties: { x: { allOf: Array.from({ length: 50_000 }, () => ({ maxLength: 1 })) } } }
  expect(check(schema, { x: 'x'.repeat(500_000) })).toEqual([
    'The arguments cannot be checked: it takes more than 1000 ms',
  ])
  expect(
    check({ patternProperties: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`^${i}`, {}])) }, {}),
  ).toEqual(['`patternProperties` has more than 16 patterns'])
})

test('references within a schema, also those of draft 2019-09, keep their meaning', () => {
  const tree = {
    type: 'object',
    properties: { children: { type: 'array', items: { $ref: '#' } }, name: { type: 'string' } },
  }
  expect(check(tree, { children: [{ name: 'a', children: [{ name: 1 }] }] })).toEqual([
    'Expected string, got `1` (number)',
  ])
  const recursive = {
    $schema: 'https://json-schema.org/draft/2019-09/schema',
    $recursiveAnchor: true,
    properties: { child: { $recursiveRef: '#' }, name: { type: 'string' } },
  }
  expect(check(recursive, { child: { child: { name: 1 } } })).toEqual(['Expected string, got `1` (number)'])
})
