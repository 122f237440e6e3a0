import { type Schema, Validator } from '@cfworker/json-schema'
import { describe, expect, test } from 'vitest'
import { createPlainCheck } from '../../src/tools/plain-check.ts'

const LEAVES: readonly unknown[] = [
  {},
  true,
  false,
  { description: 'anything', default: 1 },
  ...['string', 'number', 'integer', 'boolean', 'null', 'array', 'object'].map(type => ({ type })),
  { type: ['string', 'null'] },
  { type: 'integer', minimum: 1, maximum: 3 },
  { minimum: 2 },
  { enum: ['a', 1, null] },
  { const: 'a' },
]
const SCHEMAS: readonly unknown[] = [
  ...LEAVES,
  ...LEAVES.flatMap(inner => [
    { type: 'array', items: inner },
    { type: 'object', properties: { a: inner }, required: ['a'] },
    { type: 'object', properties: { a: inner }, additionalProperties: false },
    { properties: { a: { properties: { b: inner } }, toString: inner }, additionalProperties: true },
  ]),
]
const SCALARS: readonly unknown[] = ['a', 'b', '', 0, 1, 2.5, 4, -1, true, false, null]
const VALUES: readonly unknown[] = [
  ...SCALARS,
  [],
  {},
  ...SCALARS.flatMap(inner => [
    [inner],
    ['a', inner],
    { a: inner },
    { a: inner, b: 1 },
    { b: inner },
    { a: { b: inner } },
  ]),
]

test('agrees with the checker that reports faults', () => {
  for (const schema of SCHEMAS) {
    const check = createPlainCheck(schema)
    const validator = new Validator(structuredClone(schema) as Schema, '2020-12', false)
    for (const value of VALUES) {
      const label = `${JSON.stringify(schema)} of ${JSON.stringify(value)}`
      // An inherited member is the one thing that is left to the other: it is no value of JSON.
      if (JSON.stringify(schema).includes('toString')) {
        if (check?.(value)) expect(validator.validate(value).valid, label).toBe(true)
      } else expect(check?.(value), label).toBe(validator.validate(value).valid)
    }
  }
})

describe('makes no check', () => {
  test.each([
    { type: 'string', pattern: 'a' },
    { type: 'constructor' },
    { type: [] },
    { properties: { a: { format: 'date' } } },
    { items: [{ type: 'string' }] },
    { required: 'a' },
    { enum: [{ a: 1 }] },
    { additionalProperties: { type: 'string' } },
    { additionalProperties: false, patternProperties: { a: true } },
    { $ref: '#/$defs/a', $defs: { a: {} } },
    { maximum: '3' },
    'string',
    null,
  ])('of %j', schema => {
    expect(createPlainCheck(schema)).toBeUndefined()
  })
})

test.each([undefined, 1n, Symbol('a'), () => {}])('a value without a JSON form is never declared valid', value => {
  expect(createPlainCheck({})?.(value)).toBe(false)
  expect(createPlainCheck({ properties: { a: {} } })?.({ a: value })).toBe(false)
})
