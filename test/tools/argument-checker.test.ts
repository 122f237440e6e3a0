import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createArgumentChecker } from '../../src/tools/argument-checker.ts'
import type { CheckedArguments } from '../../src/tools/argument-problem.ts'
import type { JsonSchema } from '../../src/tools/tool.ts'

const page: JsonSchema = Object.freeze({
  type: 'object',
  properties: {
    url: { type: 'string', minLength: 1 },
    count: { type: 'integer' },
    mode: { enum: ['a', 'b'] },
    nested: { type: 'object', required: ['inner'], properties: { inner: { type: 'number' } } },
    'a/b': { type: 'array', items: { type: 'number' } },
  },
  required: ['url'],
  additionalProperties: false,
})

const pageChecker = createArgumentChecker('page', page)

test('arguments that match have no problems and stay the same value', () => {
  const value = { url: 'x', count: 1 }
  expect(pageChecker.check(value)).toEqual({ value, problems: [] })
})

test('each problem points to the value at fault, to the unknown argument, or to the object that lacks something', () => {
  const value = { count: 'x', extra: 1, mode: 'c', nested: {}, 'a/b': [1, 'two'] }
  expect(pageChecker.check(value)).toEqual({
    value,
    problems: [
      { pointer: '', message: 'Missing `url`' },
      { pointer: '/count', message: 'Expected integer, got `"x"` (string)' },
      { pointer: '/mode', message: 'Expected one of ["a","b"], got `"c"` (string)' },
      { pointer: '/nested', message: 'Missing `inner`' },
      { pointer: '/a~1b/1', message: 'Expected number, got `"two"` (string)' },
      { pointer: '/extra', message: 'Unknown argument `extra`', isAboutKey: true },
    ],
  })
})

test('names that a URI would encode come back as they are', () => {
  const checker = createArgumentChecker('t', { properties: { 'ä #%~/"': { type: 'number' } } })
  expect(checker.check({ 'ä #%~/"': 'x' })).toMatchObject({ problems: [{ pointer: '/ä #%~0~1"' }] })
})

test('alternatives are one problem, not one for each', () => {
  const checker = createArgumentChecker('t', {
    properties: { x: { anyOf: [{ type: 'string' }, { type: 'object', additionalProperties: false }] } },
  })
  expect(checker.check({ x: { y: 1 } })).toMatchObject({
    problems: [{ pointer: '/x', message: 'Instance does not match any subschemas, got object' }],
  })
})

test('at most 100 problems are reported, and more errors than the stack holds are one problem', () => {
  const checker = createArgumentChecker('t', { properties: { x: { items: { type: 'string' } } } })
  const many = (count: number): unknown => checker.check({ x: Array.from({ length: count }, () => 1) })
  expect(many(1000)).toHaveProperty('problems.length', 100)
  expect((many(300_000) as { problems: unknown[] }).problems.length).toBeGreaterThan(0)
})

const make = (schema: unknown) => () => createArgumentChecker('t', schema as JsonSchema)

test('a schema that cannot be used is refused at once', () => {
  expect(make({ $ref: '#/nowhere' })).toThrow('Tool `t`: `inputSchema` is not a usable JSON Schema: unresolved $ref')
  expect(make({ properties: { a: { type: 'int' } } })).toThrow('is not a usable JSON Schema: unknown type `int`')
  expect(make({ properties: { x: { pattern: '(' } } })).toThrow('not a usable JSON Schema')
  expect(make({ patternProperties: { '(': {} } })).toThrow('not a usable JSON Schema')
  expect(make({ $ref: '#' })).toThrow('not a usable JSON Schema')
  expect(make([])).toThrow('expected `inputSchema` to be a JSON Schema or a Standard Schema, got array')
  expect(make({ '~standard': {} })).toThrow('to have a function `validate`')
})

test('the draft is that of `$schema`', () => {
  const tuple = { properties: { x: { items: [{ type: 'string' }], additionalItems: false } } }
  const draft7 = createArgumentChecker('t', { $schema: 'http://json-schema.org/draft-07/schema#', ...tuple })
  expect(draft7.check({ x: ['a', 'b'] })).toMatchObject({ problems: [{ pointer: '/x/1' }] })
})

test('before references have values, faults that depend on them are set aside and faults of keys are reported', () => {
  const value = { count: '$OUTPUT[a]', nested: { wrong: '$OUTPUT[a]' }, extra: '$INPUT' }
  const references = ['/count', '/nested/wrong', '/extra']
  expect(pageChecker.checkUnresolved(value, references)).toEqual([
    { pointer: '', message: 'Missing `url`' },
    { pointer: '/nested', message: 'Missing `inner`' },
    { pointer: '/extra', message: 'Unknown argument `extra`', isAboutKey: true },
  ])
  expect(pageChecker.checkUnresolved({ url: '$INPUT', count: 'x' }, ['/url'])).toEqual([
    { pointer: '/count', message: 'Expected integer, got `"x"` (string)' },
  ])
})

test('faults that depend on a reference through an alternative or a condition are set aside', () => {
  const missing = { required: ['b'] }
  const anyOf = createArgumentChecker('t', { anyOf: [{ properties: { a: { const: 1 } } }, missing] })
  expect(anyOf.checkUnresolved({ a: '$INPUT' }, ['/a'])).toEqual([])
  expect(anyOf.checkUnresolved({ a: 2 }, [])).toHaveLength(1)
  // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
  const condition = createArgumentChecker('t', { if: { properties: { a: { type: 'string' } } }, then: missing })
  expect(condition.checkUnresolved({ a: '$INPUT' }, ['/a'])).toEqual([])
  expect(condition.checkUnresolved({ a: 'x' }, [])).toEqual([{ pointer: '', message: 'Missing `b`' }])
  const unevaluated = createArgumentChecker('t', {
    properties: { a: { type: 'number' } },
    unevaluatedProperties: false,
  })
  expect(unevaluated.checkUnresolved({ a: '$INPUT' }, ['/a'])).toEqual([])
  const named = createArgumentChecker('t', { properties: { anyOf: { required: ['x'] } } })
  expect(named.checkUnresolved({ anyOf: { y: '$INPUT' } }, ['/anyOf/y'])).toEqual([
    { pointer: '/anyOf', message: 'Missing `x`' },
  ])
})

test('a workflow that may be valid once resolved is never refused before', () => {
  const keys = fc.constantFrom('a', 'b', 'c')
  const leaf = fc.constantFrom<JsonSchema>({ type: 'string' }, { type: 'number' }, { const: 1 }, { enum: ['x', 2] })
  const schemas = fc.letrec<{ schema: JsonSchema }>(tie => ({
    schema: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.record({
        properties: fc.dictionary(keys, tie('schema')),
        required: fc.uniqueArray(keys, { maxLength: 2 }),
        additionalProperties: fc.boolean(),
      }),
      fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
      fc.record({ not: tie('schema') }),
      // oxlint-disable-next-line unicorn/no-thenable -- a keyword of JSON Schema
      fc.record({ if: tie('schema'), then: tie('schema'), else: tie('schema') }),
      fc.record({ properties: fc.dictionary(keys, tie('schema')), unevaluatedProperties: fc.constant(false) }),
      fc.record({ oneOf: fc.array(tie('schema'), { minLength: 1, maxLength: 2 }) }),
      fc.record({ items: tie('schema'), maxItems: fc.nat(2) }),
      fc.record({ contains: tie('schema') }),
    ),
  })).schema
  const value = fc.dictionary(
    keys,
    fc.oneof(fc.constantFrom<unknown>('x', 1, 2), fc.dictionary(keys, fc.constantFrom(1, 'x'))),
  )
  fc.assert(
    fc.property(schemas, value, keys, (schema, resolved, key) => {
      const checker = createArgumentChecker('t', schema)
      const { problems } = checker.check(resolved) as CheckedArguments
      if (problems.length > 0 || !Object.hasOwn(resolved, key)) return
      const unresolved = { ...resolved, [key]: '$INPUT' }
      expect(checker.checkUnresolved(unresolved, [`/${key}`])).toEqual([])
    }),
    { numRuns: 3000 },
  )
})

test('a Standard Schema gives the tool its output, defaults and transforms included', () => {
  const checker = createArgumentChecker('t', z.object({ n: z.string().transform(Number), m: z.number().default(2) }))
  expect(checker.check({ n: '1' })).toEqual({ value: { n: 1, m: 2 }, problems: [] })
})

test('a Standard Schema reports its problems at the same places', () => {
  const checker = createArgumentChecker('t', z.strictObject({ url: z.string(), deep: z.object({ n: z.number() }) }))
  expect(checker.check({ deep: { n: 'x' }, extra: 1, more: 2 })).toMatchObject({
    problems: [
      { pointer: '', message: expect.stringContaining('`url`') },
      { pointer: '/deep/n' },
      { pointer: '/extra', message: 'Unknown argument `extra`', isAboutKey: true },
      { pointer: '/more' },
    ],
  })
  expect(checker.checkUnresolved({ deep: '$INPUT', extra: '$INPUT' }, ['/deep', '/extra'])).toMatchObject([
    { pointer: '' },
    { pointer: '/extra' },
  ])
})

test('a refinement of a Standard Schema waits for the values it looks at', () => {
  const schema = z.object({ a: z.string(), b: z.string().optional() })
  const refined = schema.refine(({ a, b }) => a !== '$INPUT' || b !== undefined, { path: ['b'] })
  expect(createArgumentChecker('t', refined).checkUnresolved({ a: '$INPUT' }, ['/a'])).toEqual([])
})

test('an asynchronous schema checks nothing before the attempt, and everything then', async () => {
  const checker = createArgumentChecker('t', z.object({ a: z.string().refine(async text => text === 'x') }))
  expect(checker.checkUnresolved({ a: 'y' }, [])).toEqual([])
  expect(await checker.check({ a: 'x' })).toEqual({ value: { a: 'x' }, problems: [] })
  expect(await checker.check({ a: 'y' })).toMatchObject({ problems: [{ pointer: '/a' }] })
})

const withValidate = (validate: () => never | Promise<never>) =>
  createArgumentChecker('t', { '~standard': { version: 1, vendor: 'test', validate } })

test('a Standard Schema that throws or rejects is a problem, never an exception', async () => {
  const throwing = withValidate(() => {
    throw new Error('broken')
  })
  const problems = [{ pointer: '', message: "The tool's schema could not check the arguments: broken" }]
  expect(throwing.check({})).toEqual({ value: {}, problems })
  const rejecting = withValidate(() => Promise.reject(new Error('broken')))
  expect(await rejecting.check({})).toEqual({ value: {}, problems })
  expect(rejecting.checkUnresolved({}, [])).toEqual([])
})
