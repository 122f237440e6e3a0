// What users of other engines reported about their conditions: each must not happen here.
import { expect, test } from 'vitest'
import { decide, fail, parse, refuse, valuesOf } from '../support/conditions.ts'

test('a number of JSON is compared with an integer, deep inside (cel-js 24, cel-go 706)', () => {
  const source = 'input.containers.all(c, !has(c.ports) || c.ports.all(p, !has(p.hostPort) || p.hostPort == 0))'
  expect(decide(source, { containers: [{}, { ports: [{ containerPort: 80 }, { hostPort: 0 }] }] })).toBe(true)
  expect(decide(source, { containers: [{ ports: [{ hostPort: 80 }] }] })).toBe(false)
})

test('amounts are computed with integer literals (objectstack 1928)', () => {
  expect(decide('input.amount / 100 == 12.5 && input.price * 2 - 1 > 9', { amount: 1250, price: 5.5 })).toBe(true)
})

test('`has` asks for the last key alone, and says which earlier one is missing (cel-go 912)', () => {
  const input = { fizz: { buzz: { baz: 'biz' } } }
  expect(decide('has(input.fizz.buzz.baz) && !has(input.fizz.baz)', input)).toBe(true)
  expect(fail('has(input.fizz.baz.buzz)', input).message).toContain('`input.fizz` has no key `baz`')
})

test('a member of null is a failure, never false (drua 306)', () => {
  expect(fail('input.nested.deep', { nested: null }).message).toContain('found null')
})

test('an operand after a deciding guard is not needed (cel-python 75, argo 15824, argo 16123)', () => {
  expect(decide('has(input.list) && input.list.all(x, x > 1)', {})).toBe(false)
  expect(decide('input.list != null && input.list.exists(x, x > 1)', { list: null })).toBe(false)
  expect(decide('(has(input.list) ? input.list : []).all(x, x > 1)', {})).toBe(true)
  const values = valuesOf({ a: null }, { status: () => 'skipped' })
  expect(parse('status.a == "skipped" ? true : output.a.text == "x"').evaluate(values)).toBe(true)
})

test('a number and its text are unequal, and the values show why (n8n 2616)', () => {
  const condition = parse('input.sender == "123"')
  const values = { input: { sender: 123 } }
  expect(condition.evaluate(values)).toBe(false)
  expect(condition.observe(values)).toEqual({ 'input.sender': 123 })
})

test('numbers are not ordered as texts, nor texts as numbers (keeperhub 2304, spec-kit 3321)', () => {
  expect(decide('input.a < input.b', { a: 9, b: 10 })).toBe(true)
  expect(decide('input.d < "2026-02-01" && input.name > "alpha"', { d: '2026-01-01', name: 'beta' })).toBe(true)
  expect(fail('input.a < "10"', { a: 9 }).message).toContain('does not take')
})

test('nothing but true is true (actions/runner 1173, github/docs 23795)', () => {
  for (const value of ['false', 'true', '', 1, 0, null, [], {}]) {
    expect(fail('input.flag', { flag: value }).code).toBe('CONDITION_FAILED')
  }
  expect(refuse('"false"').message).toBe('A condition expects a boolean, found a string')
})

test('a stray character is refused, not taken as text (actions/runner 2629)', () => {
  expect(refuse("!input.always '")).toMatchObject({ column: 15 })
  expect(refuse('${{ input.always }} == "x"').column).toBe(1)
})

test('a text without quotes is refused, not subtracted (understack 2206)', () => {
  expect(refuse('input.kind == wanted-but-not-project')).toMatchObject({
    message: 'There is no name `wanted`',
    hint: expect.stringContaining('A string is written in quotes: `"wanted"`') as string,
  })
})

test('a status that does not exist is refused (tekton 7560)', () => {
  expect(refuse('status.a == "Succeeded"')).toMatchObject({ message: 'There is no status `Succeeded`', column: 13 })
})

test('every part of a conjunction counts (tekton 7559)', () => {
  expect(decide('input.a == 1 && input.b == 1 && input.c == 1', { a: 1, b: 1, c: 2 })).toBe(false)
})

test('a missing path is a failure, not the next branch (Step Functions)', () => {
  expect(fail('input.type == "private"', { kind: 'private' }).message).toContain('`input` has no key `type`')
  expect(fail('!(input.type == "private")', { kind: 'private' }).column).toBe(9)
})

test('eight nested comprehensions end (approver-policy 923, cel2sql 35)', () => {
  const digits = '[0,1,2,3,4,5,6,7,8,9]'
  const source = 'abcdefgh'.split('').reduceRight((inner, name) => `${digits}.all(${name}, ${inner})`, 'a >= 0')
  expect(fail(source).message).toContain('needs more than 250,000 steps')
})

test('an object with a key of every prototype is an object (cel-js)', () => {
  expect(decide('input.a.b == 1 && input.a == {"b": 1, "constructor": 1}', { a: { b: 1, constructor: 1 } })).toBe(true)
})
