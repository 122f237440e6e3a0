import { expect, test } from 'vitest'
import type { AnyTool } from '../../src/tools/registry.ts'
import { MASKED, maskArguments } from '../../src/tools/mask-arguments.ts'
import type { JsonSchema } from '../../src/tools/tool.ts'

function mask(inputSchema: JsonSchema, value: unknown): unknown {
  const tool: AnyTool = { name: 'work', inputSchema, execute: () => 1 }
  return maskArguments({ tool }, value)
}

const secret = { type: 'string', writeOnly: true }

test.each<[string, JsonSchema, unknown, unknown]>([
  ['a property', { properties: { a: secret } }, { a: 'x', b: 'y' }, { a: MASKED, b: 'y' }],
  ['an item', { properties: { a: { items: secret } } }, { a: ['x', 'y'] }, { a: [MASKED, MASKED] }],
  ['a place of a tuple', { properties: { a: { prefixItems: [{}, secret] } } }, { a: [1, 2, 3] }, { a: [1, MASKED, 3] }],
  ['any other property', { properties: { a: {} }, additionalProperties: secret }, { a: 1, b: 2 }, { a: 1, b: MASKED }],
  ['a name by its pattern', { patternProperties: { '^k': secret } }, { key: 1, a: 2 }, { key: MASKED, a: 2 }],
  ['a part of a union', { anyOf: [{ properties: { a: secret } }, {}] }, { a: { b: 1 } }, { a: MASKED }],
  [
    'a definition that refers to itself',
    { $ref: '#/$defs/n~1m', $defs: { 'n/m': { properties: { next: { $ref: '#/$defs/n~1m' }, a: secret } } } },
    { next: { next: { a: 1, b: 2 } } },
    { next: { next: { a: MASKED, b: 2 } } },
  ],
  ['the whole value', secret, { a: 1 }, MASKED],
])('what a schema marks writeOnly is masked: %s', (_, schema, value, expected) => {
  const before = structuredClone(value)
  expect(mask(schema, value)).toEqual(expected)
  expect(value).toEqual(before)
})

test('a schema that cannot be followed within its bound uncovers nothing', () => {
  const schema = { properties: { a: { allOf: [{ $ref: '#' }] } } } as const
  const wide = Object.fromEntries(Array.from({ length: 60_000 }, (_, at) => [`k${at}`, { a: 1 }]))
  const masked = mask({ ...schema, additionalProperties: { $ref: '#' } }, wide) as Record<string, unknown>
  expect(masked['k59999']).toBe(MASKED)
})

test('a tool masks what only it knows, and its schema masks the rest', () => {
  const tool: AnyTool = {
    name: 'work',
    inputSchema: { properties: { b: secret } },
    maskArguments: ({ a, ...rest }) => ({ ...rest, a: `${a}`.length }),
    execute: () => 1,
  }
  expect(maskArguments({ tool }, { a: 'xyz', b: 'y', c: 1 })).toEqual({ a: 3, b: MASKED, c: 1 })
})
