import { Validator } from '@cfworker/json-schema'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IssueList } from '../../src/workflow/issues.ts'
import { workflowSchema } from '../../src/workflow/schema.ts'
import { compileShape } from '../../src/workflow/shape.ts'

const ANNOTATIONS = ['$comment', '$schema', '$id', 'title', 'description', 'default']
const KEYWORDS = [
  ...'type enum $ref anyOf properties additionalProperties minProperties required dependentSchemas not const'.split(
    ' ',
  ),
  ...'items maxItems maxLength pattern minimum maximum'.split(' '),
]

test('the schema uses no keyword but those that its interpreter knows', () => {
  const found = new Set<string>()
  const visit = (schema: object): void => {
    for (const [key, value] of Object.entries(schema) as [string, unknown][]) {
      found.add(key)
      if (key === 'items') visit(value as object)
      if (key === 'properties') for (const member of Object.values(value as object)) visit(member as object)
      if (key === 'additionalProperties' && value !== false) visit(value as object)
      if (key === 'anyOf') for (const each of value as object[]) visit(each)
      if (key === 'dependentSchemas') {
        for (const rule of Object.values(value as object)) visit({ ...rule, additionalProperties: false })
      }
      if (key === 'not') expect(value).toEqual({})
    }
    // Unknown fields are refused wherever fields are listed.
    if ('properties' in schema) expect(schema).toHaveProperty('additionalProperties', false)
  }
  visit(workflowSchema)
  expect([...found].sort()).toEqual([...ANNOTATIONS, ...KEYWORDS].sort())
})

test('the schema cannot be changed', () => {
  expect(Object.isFrozen(workflowSchema)).toBe(true)
  expect(Object.isFrozen(workflowSchema.properties?.['tasks']?.items?.properties?.['retry']?.properties)).toBe(true)
})

test('both accept each word', () => {
  const words = [
    { when: 'x', runOn: 'failure', optional: true, default: null },
    { forEach: [1], concurrency: 1, tolerate: 0 },
    { forEach: { a: ['x'], b: '$INPUT' }, tolerate: '0.5%' },
    { forEach: '$INPUT' },
    { repeat: { until: 'x', everyMs: 0, factor: 1, maxTimes: 1000, onExhausted: 'keep' } },
  ]
  const nested = {
    tasks: [{ id: 'b', workflow: 'name' }],
    output: 1,
    inputSchema: {},
    finallyTimeoutMs: 0,
    finally: [],
  }
  const tasks = [...words.map(word => ({ id: 'a', tool: 't', ...word })), { id: 'a', workflow: nested }]
  const validator = new Validator(JSON.parse(JSON.stringify(workflowSchema)), '2020-12', false)
  const issues = new IssueList()
  expect(compileShape(workflowSchema)({ tasks, finally: tasks }, { issues, path: [] })).toEqual({
    tasks,
    finally: tasks,
  })
  expect([issues.issues, validator.validate({ tasks, finally: tasks }).errors]).toEqual([[], []])
  const wrong = { tasks: [{ id: 'a', workflow: { tasks: [{ id: 'b', workflow: { tasks: [{ id: 'c' }] } }] } }] }
  expect(validator.validate(wrong).valid).toBe(false)
})

test('a validator that knows all of JSON Schema agrees with the interpreter', () => {
  const validator = new Validator(JSON.parse(JSON.stringify(workflowSchema)), '2020-12', false)
  const read = compileShape(workflowSchema)
  const odd = fc.constantFrom<unknown>(
    null,
    -1,
    0,
    0.5,
    1,
    100,
    101,
    '',
    'a',
    'a[',
    'x'.repeat(201),
    '\u{1f600}'.repeat(200),
    [],
    {},
    true,
  )
  const ids = fc.oneof(odd, fc.array(fc.oneof({ weight: 5, arbitrary: fc.constant<unknown>('a') }, odd)))
  const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<unknown> => fc.oneof({ weight: 6, arbitrary }, odd)
  const retry = fc.record(
    {
      maxAttempts: optional(fc.constant<unknown>(2)),
      initialDelayMs: optional(fc.constant<unknown>(0)),
      factor: optional(fc.constant<unknown>(1)),
      maxDelayMs: optional(fc.constant<unknown>(5)),
      jitter: optional(fc.constant<unknown>(0.5)),
      other: odd,
    },
    { requiredKeys: [] },
  )
  const condition = optional(fc.constant<unknown>('input.x'))
  const repeat = fc.record(
    {
      maxTimes: optional(fc.constant<unknown>(1000)),
      until: condition,
      everyMs: optional(fc.constant<unknown>(0)),
      factor: optional(fc.constant<unknown>(1)),
      onExhausted: optional(fc.constantFrom<unknown>('fail', 'keep')),
    },
    { requiredKeys: ['maxTimes'] },
  )
  const forEach = fc.oneof(odd, fc.constant<unknown>('$INPUT'), fc.dictionary(fc.constantFrom('a', '__proto__'), odd))
  const words = {
    when: condition,
    runOn: fc.constantFrom<unknown>('success', 'failure', 'settled', 'a', 1),
    optional: fc.constantFrom<unknown>(true, true, false, 1),
    default: odd,
    forEach,
    concurrency: odd,
    tolerate: fc.oneof(odd, fc.constantFrom('10%', '100.0%', '100.1%', '%', '0.5%', '1e1%', '010%', '-1%')),
    repeat: optional(repeat),
    workflow: fc.oneof(
      odd,
      fc.record(
        {
          tasks: fc.array(fc.record({ id: optional(fc.constant('a')), tool: optional(fc.constant('t')) })),
          output: odd,
          inputSchema: odd,
          finallyTimeoutMs: odd,
          workflows: odd,
        },
        { requiredKeys: [] },
      ),
    ),
  }
  const task = fc.record(
    {
      id: optional(fc.constant('a')),
      tool: optional(fc.constant('t')),
      arguments: optional(fc.constant({})),
      dependsOn: ids,
      depends_on: ids,
      other: odd,
      timeoutMs: optional(fc.constant<unknown>(0)),
      retry: optional(retry),
      estimatedMs: optional(fc.constant<unknown>(0.5)),
      name: optional(fc.constant('a')),
      description: optional(fc.constant('a')),
    },
    { requiredKeys: [] },
  )
  const tasks = optional(fc.array(optional(task)))
  const document = fc.record(
    { tasks, finally: tasks, name: odd, output: odd, inputSchema: odd, finallyTimeoutMs: odd, other: odd },
    { requiredKeys: [] },
  )
  // A few words each: with all of them a task would nearly always contradict itself.
  const worded = fc
    .tuple(fc.record(words, { requiredKeys: [] }), fc.subarray(Object.keys(words), { maxLength: 3 }), fc.boolean())
    .map(([all, keys, hasTool]) => ({
      id: 'a',
      ...(hasTool && { tool: 't' }),
      ...Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key))),
    }))
  let validCount = 0
  fc.assert(
    fc.property(
      fc.oneof(
        document,
        task.map(one => ({ tasks: [{ id: 'a', tool: 't', ...one }] })),
        worded.map(one => ({ tasks: [one] })),
        worded.map(one => ({ tasks: [], finally: [one] })),
        worded.map(one => ({ tasks: [{ id: 'b', workflow: { tasks: [one] } }] })),
      ),
      value => {
        const issues = new IssueList()
        const copy = read(value, { issues, path: [] })
        const { valid } = validator.validate(value)
        expect(issues.count === 0).toBe(valid)
        if (valid) {
          validCount += 1
          expect(copy).toEqual(value)
        }
      },
    ),
    { numRuns: 5000 },
  )
  expect(validCount).toBeGreaterThan(0)
})
