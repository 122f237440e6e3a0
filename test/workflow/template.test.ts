import fc from 'fast-check'
import { expect, test } from 'vitest'
import { JsonValue } from '../../src/events/json-value.ts'
import { compileTemplate, type TemplateWalk } from '../../src/workflow/compile-template.ts'
import { IssueList } from '../../src/workflow/issues.ts'
import {
  ArgumentsTooLargeError,
  EMPTY_TEMPLATE,
  readSource,
  ReferenceNotFoundError,
  resolveTemplate,
  type Scope,
  type Template,
} from '../../src/workflow/template.ts'

function compile(value: unknown): Template {
  const walk: TemplateWalk = {
    issues: new IssueList(),
    path: [],
    isRecorded: false,
    around: [],
    valuesLeft: 1e6,
    onReference: () => {},
  }
  const template = compileTemplate(value, walk)
  if (template === undefined) throw new Error(JSON.stringify(walk.issues.issues))
  return template
}

function scope(input: unknown, outputs: Record<string, unknown> = {}): Scope {
  return {
    input: input === undefined ? undefined : JsonValue.from(input),
    output: taskId => JsonValue.from(outputs[taskId]),
  }
}

const resolve = (value: unknown, input?: unknown, outputs?: Record<string, unknown>): unknown =>
  resolveTemplate(compile(value), scope(input, outputs)).value

test('a string that is exactly one reference takes the value with its type', () => {
  for (const value of [1, 'x', true, null, [1, [2]], { a: { b: 1 } }]) {
    expect(resolve({ x: '$INPUT' }, value)).toEqual({ x: value })
    expect(resolve(['${INPUT.a}'], { a: value })).toEqual([value])
    expect(resolve(['$OUTPUT[t][0]'], undefined, { t: [value] })).toEqual([value])
  }
})

test('inside longer text a value becomes text: strings as they are, the rest as JSON', () => {
  const input = { s: 'a"b', n: 1.5, z: null, o: { a: [1] }, t: true }
  expect(resolve('<$INPUT.s|$INPUT.n|$INPUT.z|$INPUT.o|${INPUT.t}>', input)).toBe('<a"b|1.5|null|{"a":[1]}|true>')
})

test('inserted text is not scanned again, and keys are never scanned', () => {
  expect(resolve('x $INPUT', '$OUTPUT[a] ${INPUT}')).toBe('x $OUTPUT[a] ${INPUT}')
  expect(resolve({ $INPUT: '$$INPUT' }, 1)).toEqual({ $INPUT: '$INPUT' })
})

test('paths see own keys and indices of JSON only', () => {
  const input = { a: [10, 20], s: 'text', n: null, '0': 'zero' }
  expect(resolve(['$INPUT.a[1]', '$INPUT.a.0', '$INPUT[0]', '$INPUT.n'], input)).toEqual([20, 10, 'zero', null])
  for (const path of [
    '.a.length',
    '.a[2]',
    '.a[01]',
    '.s.length',
    '.s[0]',
    '.constructor',
    '.__proto__',
    '.n.x',
    '.b',
  ]) {
    expect(() => resolve(`$INPUT${path}`, input)).toThrow(ReferenceNotFoundError)
  }
})

test('a missing path names the keys that do exist, at most 20', () => {
  expect(() => resolve('$OUTPUT[a].b.c', undefined, { a: { b: { x: 1, y: 2 } } })).toThrow(
    '`$OUTPUT[a].b.c` has no `c`: there are `x`, `y`',
  )
  const many = Object.fromEntries(Array.from({ length: 25 }, (_, i) => [`k${i}`, i]))
  expect(() => resolve('$INPUT.x', many)).toThrow('`k19` and 5 more')
  expect(() => resolve('$INPUT[3]', [1])).toThrow('the array has the indices 0 to 0')
  expect(() => resolve('$INPUT[3]', [])).toThrow('the array is empty')
  expect(() => resolve('$INPUT.x', {})).toThrow('the object is empty')
  expect(() => resolve('$INPUT.x', null)).toThrow('there is `null`, which has no members')
  expect(() => resolve('$INPUT.x', 'text')).toThrow('there is a string, which has no members')
  expect(() => resolve('$INPUT')).toThrow('`$INPUT` has no value: the execution was given no input')
})

test('a missing name that is the beginning of a key is reported how to write the key', () => {
  const headers = { 'content-type': 'text/html', 'content-type-x': '', 'a.b': 1, 'user name': 2 }
  const cases: [string, string][] = [
    ['$INPUT.h.content-type, then', 'has no `content`: there are `content-type`, `content-type-x`, `a.b`, `user name`'],
    ['$INPUT.h.content-type, then', '. For the key `content-type` write `["content-type"]`'],
    ['<$INPUT.h.content-type-x>', '. For the key `content-type-x` write `["content-type-x"]`'],
    ['$INPUT.h.a.b', '. For the key `a.b` write `["a.b"]`'],
    ['$INPUT.h.user name', '. For the key `user name` write `["user name"]`'],
  ]
  for (const [text, message] of cases) expect(() => resolve(text, { h: headers })).toThrow(message)
  for (const text of [
    '${INPUT.h.content}-type',
    '$INPUT.h.content type',
    '$INPUT.h.conten',
    '$INPUT.h.content$INPUT',
  ]) {
    expect(() => resolve(text, { h: headers })).toThrow(/`user name`$/)
  }
})

test('every resolution makes objects of its own', () => {
  const template = compile({ literal: [{ a: 1 }], whole: '$INPUT', part: '$INPUT.o' })
  const shared = scope({ o: { b: 1 } })
  const first = resolveTemplate(template, shared).value as Record<string, Record<string, unknown>>
  const before = structuredClone(first)
  const { literal, whole, part } = first
  Object.assign(literal as object, { 0: 'changed' })
  Object.assign(whole as object, { o: 'changed' })
  Object.assign(part as object, { b: 'changed' })
  expect(resolveTemplate(template, shared).value).toEqual(before)
  expect(resolveTemplate(EMPTY_TEMPLATE, shared).value).not.toBe(resolveTemplate(EMPTY_TEMPLATE, shared).value)
})

test('`__proto__` is a key like any other', () => {
  const value = JSON.parse('{"__proto__":{"polluted":"$INPUT.__proto__"},"b":{"__proto__":1}}') as unknown
  const input = JSON.parse('{"__proto__":{"x":1}}') as unknown
  const resolved = resolve(value, input)
  expect(JSON.stringify(resolved)).toBe('{"__proto__":{"polluted":{"x":1}},"b":{"__proto__":1}}')
  expect(Object.getPrototypeOf(resolved)).toBe(Object.prototype)
})

test('references cannot multiply a large value without bound', () => {
  const template = compile(Array.from({ length: 40 }, () => '$INPUT'))
  expect(() => resolveTemplate(template, scope('x'.repeat(8 * 1024 * 1024)))).toThrow(ArgumentsTooLargeError)
})

test('JSON without references resolves to itself, and its source is itself', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noUnicodeString: false }), value => {
      const json = JSON.stringify({ value })
      if (json.includes('$')) return
      const template = compile(JSON.parse(json))
      expect(JSON.stringify(resolveTemplate(template, scope(undefined)).value)).toBe(json)
      expect(JSON.stringify(readSource(template))).toBe(json)
    }),
  )
})

test('the source of a template has its references as they were written', () => {
  const value = { a: 'x $INPUT.b', c: ['$OUTPUT[t]'] }
  expect(readSource(compile(value))).toEqual(value)
})
