import { describe, expect, test } from 'vitest'
import { JsonNumber } from '../../src/json/json-number.ts'
import { decide, fail, parse, valuesOf } from '../support/conditions.ts'

const TOO_LONG = 'The condition needs more than 250,000 steps. Let a task compute the value'

const numbers = Array.from({ length: 1000 }, (_, i) => i)

describe('an evaluation takes at most 250,000 steps:', () => {
  const deep = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`)
  const input = {
    numbers,
    many: Array.from({ length: 100_000 }, () => ({ a: 'b' })),
    keys: Object.fromEntries(Array.from({ length: 300_000 }, (_, i) => [`k${i}`, i])),
    text: 'a'.repeat(5_000_000),
    hay: 'a'.repeat(1_000_000),
    needle: `${'a'.repeat(6_000)}b${'a'.repeat(6_000)}`,
    mixed: 'äA'.repeat(200_000),
  }

  test.each([
    ['nested comprehensions', 'input.numbers.all(a, input.numbers.all(b, a + b >= 0))'],
    ['a large list', 'input.many.all(x, x.a == "b")'],
    ['a large body', `input.numbers.all(x, ${'x >= 0 && '.repeat(70)}true)`],
    ['the keys of a large object', 'input.keys.exists(k, k == "")'],
    ['the size of a large object', 'input.numbers.all(n, size(input.keys) > n)'],
    ['a string that doubles', `["${'x'.repeat(64)}"]${'.map(s, s + s)'.repeat(40)}.size() == 1`],
    ['a list that doubles', `[[1]]${'.map(l, l + l)'.repeat(40)}.size() == 1`],
    ['a list that grows by comprehensions', '[input.numbers].map(l, l.map(x, l)).all(l, l.all(m, m.all(n, n >= 0)))'],
    ['equal arrays', 'input.many == input.many.filter(x, true) || input.many == input.many'],
    ['a shared value that is compared', `[1]${'.map(x, [x, x])'.repeat(30)} == [1]${'.map(x, [x, x])'.repeat(30)}`],
    ['membership', 'input.numbers.all(n, !(-1 in input.numbers))'],
    ['long strings', '[1, 2, 3].all(x, input.text < input.text + "b")'],
    ['the size of long strings', '[1, 2].all(x, size(input.text) > 0)'],
    ['a search that backtracks', 'input.hay.contains(input.needle)'],
    ['a change of case', 'input.mixed.lowerAscii() == ""'],
    ['a conversion', '[1, 2].all(x, double(input.text) > 0)'],
  ])('%s', (_, source) => {
    expect(fail(source, input)).toMatchObject({ code: 'CONDITION_FAILED', message: TOO_LONG, column: 1 })
  })

  test('which neither `||` nor `exists` absorbs', () => {
    const endless = 'input.numbers.all(a, input.numbers.all(b, a + b >= 0))'
    expect(fail(`${endless} || true`, input).message).toBe(TOO_LONG)
    expect(fail(`[1, 2].exists(x, x == 2 || ${endless})`, input).message).toBe(TOO_LONG)
  })

  test('which is enough for 10,000 items and texts of a megabyte', () => {
    const items = Array.from({ length: 10_000 }, (_, i) => ({ n: i, urgent: false, title: `item ${i}` }))
    expect(decide('input.all(x, x != null && !x.urgent && x.n >= 0 && x.title.contains("item"))', items)).toBe(true)
    expect(decide('input.filter(x, x.n % 2 == 0).map(x, x.n + 1).exists(n, n == 9999)', items)).toBe(true)
    expect(decide('input.hay.contains("b") || size(input.hay) == 1000000', input)).toBe(true)
  })

  test('which is enough for a long part of a long text', () => {
    const part = Array.from({ length: 2000 }, (_, i) => `word ${i}`).join(' ')
    const text = `${'word 0 word 1 word 3 '.repeat(10_000)}${part}!`
    expect(decide('input.text.contains(input.part) && !input.text.contains(input.part + "?")', { text, part })).toBe(
      true,
    )
  })

  test('each separately', () => {
    const condition = parse('input.numbers.all(a, input.numbers.exists(b, a == b))')
    for (let i = 0; i < 3; i++) expect(() => condition.evaluate({ input })).toThrow(TOO_LONG)
    const short = parse('input.numbers.all(a, a >= 0)')
    for (let i = 0; i < 300; i++) expect(short.evaluate({ input })).toBe(true)
  })

  test('values of any depth are compared', () => {
    expect(
      decide('input.a == input.b && input.a != input.c', { a: deep(50_000), b: deep(50_000), c: deep(49_999) }),
    ).toBe(true)
  })
})

describe('the values that a condition names are reported', () => {
  test('by their source, each once, the longest path of each', () => {
    const condition = parse(
      'output.a.count > 3 && input.user["name"] != "x" && output.a.count < 9 && output["b c"].list[0].ok && status.a == "success"',
    )
    const values = valuesOf(
      { a: { count: 2 }, 'b c': { list: [{ ok: false }] } },
      { input: { user: { name: 'Ann' } }, status: () => 'success' },
    )
    expect(condition.observe(values)).toEqual({
      'output.a.count': 2,
      'input.user["name"]': 'Ann',
      'output["b c"].list[0].ok': false,
      'status.a': 'success',
    })
  })

  test('without variables and without missing values', () => {
    const condition = parse(
      'output.a.exists(x, x.n > input.min) && has(output.b.c) && input.no == 1 && output.a[index].n == 1',
    )
    const values = valuesOf({ a: [{ n: 1 }], b: { c: null } }, { input: { min: 5 }, index: 0 })
    expect(condition.observe(values)).toEqual({
      'output.a': [{ n: 1 }],
      'input.min': 5,
      'output.b.c': null,
      'output.a[index].n': 1,
      index: 0,
    })
    expect(condition.observe({})).toEqual({})
  })

  test('with every digit of a number', () => {
    const number = new JsonNumber('9007199254740993')
    expect(parse('input.a == 1 && input.b == []').observe({ input: { a: number, b: [number] } })).toEqual({
      'input.a': number,
      'input.b': [number],
    })
  })

  test('cut: at most 20 values, each of at most 200 characters', () => {
    const source = Array.from({ length: 30 }, (_, i) => `input.k${i} == 1`).join(' || ')
    const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${i}`, i]))
    expect(Object.keys(parse(source).observe({ input: many }))).toEqual(
      Array.from({ length: 20 }, (_, i) => `input.k${i}`),
    )
    const input = {
      text: 'x'.repeat(1000),
      list: numbers,
      object: Object.fromEntries(numbers.map(n => [`k${n}`, n])),
      deep: [['y'.repeat(300)]],
      small: { a: ['z'.repeat(180)] },
    }
    const condition = parse(
      'input.text == "" || input.list == [] || input.object == {} || input.deep == [] || input.small == {}',
    )
    const observed = condition.observe({ input })
    expect(observed).toEqual({
      'input.text': `${'x'.repeat(199)}…`,
      'input.list': 'array of 1000',
      'input.object': 'object of 1000',
      'input.deep': 'array of 1',
      'input.small': { a: ['z'.repeat(180)] },
    })
    for (const value of Object.values(observed)) expect(JSON.stringify(value).length).toBeLessThanOrEqual(202)
  })

  test('even if they cost too many steps, and as own keys', () => {
    const condition = parse(
      'input.list[size(input.list.filter(x, input.list.all(y, y >= 0)))] == 1 || input.__proto__ == 1',
    )
    const input = JSON.parse(`{"__proto__": 1, "list": ${JSON.stringify(numbers)}}`) as unknown
    const observed = condition.observe({ input })
    expect(Object.keys(observed)).toContain('input.__proto__')
    expect(observed['input.list']).toBe('array of 1000')
  })
})
