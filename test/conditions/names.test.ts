import { describe, expect, test } from 'vitest'
import { parse, refuse, valuesOf, WHEN } from '../support/conditions.ts'

test('every task and the input are references, once each, at their first mention', () => {
  expect(parse('output.a.x > 1 && output["b c"][0] == 2 && status.a == "success" && output.a.y').references).toEqual([
    { kind: 'output', taskId: 'a', column: 8 },
    { kind: 'output', taskId: 'b c', column: 26 },
    { kind: 'status', taskId: 'a', column: 51 },
  ])
  expect(parse('input.x == error.d.code || has(input.y)').references).toEqual([
    { kind: 'input', column: 1 },
    { kind: 'error', taskId: 'd', column: 18 },
  ])
  expect(parse('true').references).toEqual([])
})

test('names in arguments, indices, lists, maps and branches are references too', () => {
  const source =
    'size(output.a) > 1 ? [output.b] == {"k": output.c}.k : output.d.exists(x, x == output.e) || has(output.f.g) || input.l[output.h] in output.i'
  expect(
    parse(source)
      .references.map(({ kind, taskId }) => taskId ?? kind)
      .join(' '),
  ).toBe('a b c d e f input h i')
})

test('a variable of a comprehension hides the name, and nothing after it', () => {
  const condition = parse('output.a.exists(output, output.b == 1) && output.c.all(input, input > 0)')
  expect(condition.references.map(({ taskId }) => taskId)).toEqual(['a', 'c'])
  expect(condition.evaluate(valuesOf({ a: [{ b: 1 }], c: [1, 2] }))).toBe(true)
  // The range is outside of the variable's scope, and so is what follows.
  const nested = parse('output.a.all(output, output.all(output, output > 0)) && output.b')
  expect(nested.references.map(({ taskId }) => taskId)).toEqual(['a', 'b'])
  expect(nested.evaluate(valuesOf({ a: [[1], [2, 3]], b: true }))).toBe(true)
  expect(refuse('input.a.all(x, x > 0) && x > 0').message).toBe('There is no name `x`')
})

test('nested variables keep their values', () => {
  const condition = parse(
    'input.rows.all(r, r.cells.exists(c, c == r.want) && r.cells.map(c, c * 2).exists(c, c == r.want * 2))',
  )
  const rows = [
    { want: 2, cells: [1, 2] },
    { want: 3, cells: [3] },
  ]
  expect(condition.evaluate({ input: { rows } })).toBe(true)
  expect(condition.evaluate({ input: { rows: [...rows, { want: 9, cells: [1] }] } })).toBe(false)
})

test('only names of the place are known', () => {
  expect(parse('result.done || index >= 3 || input.stop', ['input', 'result', 'index']).usesItem).toBe(true)
  expect(parse('execution.status == "cancelled"', [...WHEN, 'execution']).references).toEqual([])
  expect(refuse('item.a == 1')).toEqual({
    message: '`item` has a value only in a task with `forEach`',
    column: 1,
  })
  expect(refuse('result.a == 1').message).toBe('`result` has a value only in `until`')
  expect(refuse('execution.status == "error"').message).toBe('`execution` has a value only in `finally`')
  expect(refuse('output.a == 1', ['input', 'result', 'index']).message).toBe('`output` has a value only in `when`')
})

test('a condition of an item is distinguished from one of the whole task', () => {
  expect(parse('item.urgent').usesItem).toBe(true)
  expect(parse('input.a.exists(x, index == x)').usesItem).toBe(true)
  expect(parse('input.a.exists(item, item > 1)').usesItem).toBe(false)
})

describe('names are fixed:', () => {
  test.each<[string, number, string, string?]>([
    [
      'output[input.x] == 1',
      14,
      'Expected the id of a task in `output[…]`, as a string',
      'Write the id itself: `output["id"]`',
    ],
    [
      'output["a" + "b"] == 1',
      12,
      'Expected the id of a task in `output[…]`, as a string',
      'Write the id itself: `output["id"]`',
    ],
    [
      'output[0] == 1',
      8,
      'Expected the id of a task in `output[…]`, as a string',
      'Write the id itself: `output["id"]`',
    ],
    ['output == 1', 1, 'Expected a member of `output`, found `output` itself', 'Write `output.ID`'],
    ['size(status) == 1', 6, 'Expected a member of `status`, found `status` itself', 'Write `status.ID`'],
    ['error.exists(x, true)', 1, 'Expected a member of `error`, found `error` itself', 'Write `error.ID`'],
    ['"a" in output', 8, 'Expected a member of `output`, found `output` itself', 'Write `output.ID`'],
    [
      'has(output.a)',
      12,
      '`has` expects a key of a value, found `output.a`',
      'Whether there is a value is `output.ID != null`',
    ],
    ['error.a.cod == "X"', 9, '`error.a` has no key `cod`', 'Did you mean `code`?'],
    ['error.a["mesage"] == "X"', 9, '`error.a` has no key `mesage`', 'Did you mean `message`?'],
    ['status.a == "succes"', 13, 'There is no status `succes`', 'Did you mean `success`?'],
    [
      '"Failed" != status.a',
      1,
      'There is no status `Failed`',
      'The statuses are `success`, `error`, `skipped`, `cancelled`',
    ],
    ['inputs.a == 1', 1, 'There is no name `inputs`', 'Did you mean `input`?'],
    ['True', 1, 'There is no name `True`', 'Did you mean `true`?'],
    [
      'input.a == done',
      12,
      'There is no name `done`',
      'The names are `input`, `output`, `status`, `error`, `true`, `false`, `null`. A string is written in quotes: `"done"`',
    ],
    ['output.fetch-data.ok', 14, 'There is no name `data`', 'For the id `fetch-data` write `output["fetch-data"]`'],
    ['status.a-b-c == "error"', 10, 'There is no name `b`', 'For the id `a-b` write `status["a-b"]`'],
  ])('%s', (source, column, message, hint) => {
    expect(refuse(source)).toEqual({ message, column, ...(hint !== undefined && { hint }) })
  })

  test('execution has a status and nothing else', () => {
    const names = [...WHEN, 'execution'] as const
    expect(refuse('execution', names).hint).toBe('Write `execution.status`')
    expect(refuse('execution.state == ""', names).hint).toBe('Did you mean `status`?')
    expect(refuse('execution.status == "partal"', names).hint).toBe('Did you mean `partial`?')
    expect(parse('execution["status"] != "success"', names).evaluate({ execution: { status: 'partial' } })).toBe(true)
  })
})

test('conditions of items, rounds and ends have their values', () => {
  expect(parse('item.os == "linux" && index < 2').evaluate({ item: { os: 'linux' }, index: 1 })).toBe(true)
  const until = parse('result.state == "done" || index + 1 >= input.max', ['input', 'result', 'index'])
  expect(until.evaluate({ input: { max: 3 }, result: { state: 'busy' }, index: 2 })).toBe(true)
  expect(until.evaluate({ input: { max: 3 }, result: { state: 'busy' }, index: 1 })).toBe(false)
  const end = parse('execution.status in ["error", "cancelled"] && status.a != "skipped"', [...WHEN, 'execution'])
  expect(end.evaluate({ execution: { status: 'error' }, status: () => 'success' })).toBe(true)
})
