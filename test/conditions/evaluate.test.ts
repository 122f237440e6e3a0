import { describe, expect, test } from 'vitest'
import { JsonNumber } from '../../src/json/json-number.ts'
import { parseJson } from '../../src/json/parse-json.ts'
import { decide, fail, parse, valuesOf } from '../support/conditions.ts'

describe('numbers', () => {
  test('of JSON and integers of the expression mix in every operation', () => {
    const input = { n: 1, x: 2.5, list: [10, 20, 30] }
    for (const source of [
      'input.n + 1 == 2 && 1 + input.n == 2',
      'input.n - 1 == 0 && input.n * 3 == 3 && input.n / 2 == 0.5 && 5 % input.n == 0',
      'input.x > 2 && 2 < input.x && input.x <= 3 && !(input.x >= 3) && input.n == 1.0 && 1 == input.n',
      'input.list[input.n] == 20 && input.list[1] == 20 && input.list[1.0] == 20',
      'size(input.list) == 3.0 && size(input.list) - 1 == 2 && input.list.size() * 0.5 == 1.5',
      '10 in input.list && input.n in [3, 2, 1] && 1 in [1.0]',
      '[1, 2.0] == [1.0, 2] && {"a": 1} == {"a": 1.0}',
      '(true ? input.n : 7) + 1 == 2 && (false ? 1.5 : 7) == 7',
      '-input.n == -1 && -(-input.n) == 1',
      'int(input.x) == 2 && int(-2.9) == -2 && double(3) == 3 && int("-7") == -7 && double("1e3") == 1000',
    ]) {
      expect([source, decide(source, input)]).toEqual([source, true])
    }
  })

  test('of two integers stay integers, of a double become doubles', () => {
    expect(decide('7 / 2 == 3 && -7 / 2 == -3 && -7 % 3 == -1 && 7.0 / 2 == 3.5')).toBe(true)
    expect(decide('input.n / 2 == 3.5 && input.n % 2 == 1', { n: 7 })).toBe(true)
  })

  test('that are integers of more than 53 bits are exact', () => {
    expect(decide('9007199254740993 != 9007199254740992 && 9007199254740993 > 9007199254740992.0')).toBe(true)
    const input = parseJson('{"a": 9007199254740993, "b": 9007199254740992, "list": [18446744073709551615]}')
    expect(decide('input.a != input.b && input.a > input.b && input.a == 9007199254740993', input)).toBe(true)
    expect(decide('input.a - 1 == input.b && input.list == [dyn(input.list[0])]', input)).toBe(true)
    expect(decide('input.list.exists(x, x > 9223372036854775807) && input.list[0] in input.list', input)).toBe(true)
  })

  test('that no integer represents are the nearest double', () => {
    const input = {
      big: new JsonNumber('1e400'),
      small: new JsonNumber('1e-400'),
      pi: new JsonNumber('3.14159265358979323846'),
    }
    expect(decide('input.big > 1.0e308 && input.small == 0 && input.pi < 3.2', input)).toBe(true)
    expect(decide('input.digits > 1.0e40', { digits: new JsonNumber('9'.repeat(5000)) })).toBe(true)
  })

  test.each<[string, string]>([
    ['1 / 0 == 1', '`/` divides `1` (number) by 0'],
    ['1 % 0 == 1', '`%` divides `1` (number) by 0'],
    ['input.n % 0 == 1', '`%` expects whole numbers, the second not 0, found `7` (number) and `0` (number)'],
    ['input.n % 1.5 == 1', '`%` expects whole numbers, the second not 0, found `7` (number) and `1.5` (number)'],
    [
      '9223372036854775807 + 1 > 0',
      '`+` of `9223372036854775807` (number) and `1` (number) does not fit into 64 bits. Compute with doubles: `double(a) + b`',
    ],
    [
      '-(-9223372036854775808) > 0',
      '`-` of `0` (number) and `-9223372036854775808` (number) does not fit into 64 bits. Compute with doubles: `double(a) + b`',
    ],
    ['int(1e30) > 0', '`int` expects a number of 64 bits, found `1e+30` (number)'],
    ['int("9223372036854775808") > 0', '`int` expects a number of 64 bits, found `"9223372036854775808"` (string)'],
    ['int("1.5") > 0', '`int` expects a number of 64 bits, found `"1.5"` (string)'],
    ['double("") > 0', '`double` expects a number, found `""` (string)'],
    ['bool("yes")', '`bool` expects "true" or "false", found `"yes"` (string)'],
  ])('%s fails', (source, message) => {
    expect(fail(source, { n: 7 }).message).toBe(message)
  })

  test('divided by zero as doubles are infinite or no number, as in CEL', () => {
    expect(decide('1.0 / 0.0 > 1e308 && 0.0 / 0.0 != 0.0 / 0.0 && !(0.0 / 0.0 < 1.0)')).toBe(true)
  })
})

describe('strings', () => {
  test('are joined, searched, trimmed and measured in characters', () => {
    for (const source of [
      '"a" + input.s == "aHällo 😀"',
      'size(input.s) == 7 && input.s.size() == 7',
      'input.s.contains("llo") && input.s.startsWith("H") && input.s.endsWith("😀") && !input.s.contains("x")',
      'input.s.lowerAscii() == "hällo 😀" && "äÄz".upperAscii() == "äÄZ" && "AbC".lowerAscii() == "abc"',
      '" x\\n".trim() == "x"',
      'string(1) == "1" && string(1.5) == "1.5" && string(true) == "true" && string("x") == "x"',
      'bool("true") && !bool("0") && bool(true)',
    ]) {
      expect([source, decide(source, { s: 'Hällo 😀' })]).toEqual([source, true])
    }
  })

  test('are ordered by code points, and times of one format with them', () => {
    expect(decide('"a" < "b" && "a" < "aa" && "Z" < "a" && "\\uffff" < "\\U00010000" && "" < "a"')).toBe(true)
    expect(decide('input.at >= "2026-01-01T00:00:00Z"', { at: '2026-11-30T16:00:00Z' })).toBe(true)
  })
})

describe('collections', () => {
  const input = {
    items: [
      { n: 1, tags: ['a'] },
      { n: 2, tags: ['b', 'c'] },
      { n: 3, tags: [] },
    ],
    counts: { x: 1, y: 2 },
  }

  test('are asked by macros', () => {
    for (const source of [
      'input.items.exists(i, i.n == 2) && !input.items.exists(i, i.n == 9)',
      'input.items.all(i, i.n > 0) && !input.items.all(i, i.n > 1)',
      'input.items.exists_one(i, i.n == 2) && !input.items.exists_one(i, i.n > 1)',
      'input.items.filter(i, size(i.tags) > 0).size() == 2',
      'input.items.map(i, i.n * 2) == [2, 4, 6]',
      'input.items.map(i, i.n > 1, i.n) == [2, 3]',
      'input.items.exists(i, i.tags.exists(t, t == "c" && i.n == 2))',
      'input.counts.exists(k, k == "x") && input.counts.all(k, input.counts[k] > 0)',
      '[].all(x, x > 1) && ![].exists(x, x > 1)',
      '"x" in input.counts && !("z" in input.counts) && size(input.counts) == 2',
      '[1] + [2] == [1, 2] && [[1]] == [[1.0]] && [1] != [2]',
      '{"a": {"b": [null]}} == {"a": {"b": [null]}} && {"a": 1} != {"b": 1}',
      'input.items[0] == {"tags": ["a"], "n": 1}',
    ]) {
      expect([source, decide(source, input)]).toEqual([source, true])
    }
  })

  test('values of different types are unequal, not a failure', () => {
    expect(
      decide('input.a != input.b && !(input.a == input.b) && input.c != null && input.b in [1, "1"]', {
        a: 1,
        b: '1',
        c: [],
      }),
    ).toBe(true)
  })
})

test('keys of a map are different strings, which may be computed', () => {
  expect(decide('{"a" + input.k: 1}.ab == 1 && {"a": 1, "b": 2}.size() == 2', { k: 'b' })).toBe(true)
  expect(fail('{input.k: 1} == {}', { k: 1 }).message).toBe('Expected a string as a key, found `1` (number)')
  expect(fail('{"a": 1, input.k: 2} == {}', { k: 'a' })).toMatchObject({
    message: 'Expected keys to be unique, found `"a"` (string) twice',
    column: 16,
  })
})

test('operands are evaluated from the left, and the first failure is reported', () => {
  for (const source of [
    'input.x + input.y == 1',
    'input.x < input.y',
    'input.x in input.y',
    'input.x == input.y',
    'input.x[input.y] == 1',
    'input.x.contains(input.y)',
    '[input.x, input.y] == []',
    '{"a": input.x, "b": input.y} == {}',
    '-input.x > input.y',
    'input.x ? input.y : true',
    'input.x.all(v, v == input.y)',
    'has(input.x.y)',
  ]) {
    expect([source, fail(source, {}).message]).toEqual([source, expect.stringContaining('no key `x`')])
  }
  for (const source of [
    '1 + input.y == 1',
    '1 < input.y',
    '1 in input.y',
    '1 == input.y',
    '[1][input.y] == 1',
    '[[1], input.y] == []',
  ]) {
    expect([source, fail(source, {}).message]).toEqual([source, expect.stringContaining('no key `y`')])
  }
})

describe('what is missing fails and says what there is:', () => {
  const input = { user: { name: 'Ann', roles: ['x'] }, nothing: null, list: [1, 2], empty: [], text: 'abc' }

  test.each<[string, number, string]>([
    [
      'input.user.nam == "Ann"',
      12,
      '`input.user` has no key `nam`. Did you mean `name`? For a key that may be missing write `has(a.b) && a.b`',
    ],
    [
      'input.user["age"] > 1',
      12,
      '`input.user` has no key `age`. The keys are `name`, `roles`. For a key that may be missing write `has(a.b) && a.b`',
    ],
    [
      'input.nothing.x',
      15,
      'Expected `input.nothing` to be an object with the key `x`, found null. Check it first: `a != null && a.b`',
    ],
    [
      'input.list.x',
      12,
      'Expected `input.list` to be an object with the key `x`, found array. Take one element, `a[0]`, or ask for any: `a.exists(x, x.b == 1)`',
    ],
    [
      'input.list.length > 1',
      12,
      'Expected `input.list` to be an object with the key `length`, found array. Did you mean `size(input.list)`?',
    ],
    ['input.list[2] == 1', 12, '`input.list` has no element `2` (number). Its elements are 0 to 1'],
    ['input.list[-1] == 1', 12, '`input.list` has no element `-1` (number). Its elements are 0 to 1'],
    ['input.list[0.5] == 1', 12, '`input.list` has no element `0.5` (number). Its elements are 0 to 1'],
    ['input.empty[0] == 1', 13, '`input.empty` has no element `0` (number). It is empty'],
    ['input.text[0] == "a"', 12, 'Expected an array to take `0` (number) of, found `input.text`: `"abc"` (string)'],
    [
      'has(input.nothing.x)',
      19,
      '`has` expects `input.nothing` to be an object, found null. Check it first: `a != null && has(a.b)`',
    ],
    [
      'has(input.nobody.x)',
      11,
      '`input` has no key `nobody`. The keys are `user`, `nothing`, `list`, `empty`, `text`. For a key that may be missing write `has(a.b) && a.b`',
    ],
    ['input.nothing > 1', 15, '`>` does not take null and `1` (number). Check it first: `a != null && a > 1`'],
    ['input.text > 1', 12, '`>` does not take `"abc"` (string) and `1` (number)'],
    ['input.text + 1 == input.text', 12, '`+` does not take `"abc"` (string) and `1` (number)'],
    ['input.text', 1, 'A condition expects a boolean, found `"abc"` (string). Compare it: `a == 1`, `a != null`'],
    ['!input.list', 8, '`!` expects a boolean, found array. Compare it: `a == 1`, `a != null`'],
    ['input.text.exists(x, x == "a")', 7, '`exists` expects an array or an object, found `"abc"` (string)'],
    ['input.list.contains(input.text)', 7, '`contains` is a method of a string, found array'],
    [
      'input.list.all(x, x.a)',
      21,
      'Expected `x` to be an object with the key `a`, found `1` (number), for element 0 of `input.list`. Take one element, `a[0]`, or ask for any: `a.exists(x, x.b == 1)`',
    ],
    ['[3].all(x, 1 / 0 > x)', 14, '`/` divides `1` (number) by 0, for element 0 of `[3]`'],
  ])('%s', (source, column, message) => {
    const error = fail(source, input)
    expect(error).toMatchObject({ name: 'ConditionError', code: 'CONDITION_FAILED', column })
    expect(error.message).toBe(message)
  })

  test('an absent input, output or error', () => {
    expect(() => parse('input.a').evaluate({})).toThrow('The execution was given no input')
    expect(() => parse('output.a').evaluate(valuesOf({}))).toThrow('The task `a` has no output')
    const values = valuesOf({ a: null }, { error: () => null, status: () => 'success' })
    expect(parse('output.a == null && error.a == null && status.a == "success"').evaluate(values)).toBe(true)
    expect(() => parse('error.a.code == "X"').evaluate(values)).toThrow('found null')
  })
})

test('an operand that decides wins over a failure of the other one, on either side', () => {
  const input = { list: [1, 'x', 3] }
  expect(decide('true || input.no && true', input)).toBe(true)
  expect(decide('input.no || true', input)).toBe(true)
  expect(decide('!(false && input.no) && !(input.no && false)', input)).toBe(true)
  expect(decide('input.list.exists(x, x > 2)', input)).toBe(true)
  expect(decide('!input.list.all(x, x < 3)', input)).toBe(true)
  expect(decide('input.list[0] == 1 ? true : input.no', input)).toBe(true)
  expect(fail('input.no || false', input).column).toBe(7)
  expect(fail('true && input.no', input).column).toBe(15)
  expect(fail('input.list.exists(x, x > 3)', input).message).toContain('for element 1 of `input.list`')
  expect(fail('input.list.all(x, x > 0)', input).column).toBe(21)
  // Each of these looks at every element, so a failure counts.
  expect(fail('input.list.exists_one(x, x == 1 || x > 2)', input).message).toContain('for element 1')
  expect(fail('input.list.filter(x, x > 2).size() == 1', input).message).toContain('for element 1')
  expect(fail('input.list.map(x, x > 2).size() == 3', input).message).toContain('for element 1')
})

describe('only own keys of JSON count:', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'length', 'valueOf'])('%s', key => {
    const input = { plain: { a: 1 }, own: JSON.parse(`{${JSON.stringify(key)}: 1}`) as unknown, list: [], text: '' }
    const literal = JSON.stringify(key)
    expect(decide(`!has(input.plain.${key}) && !(${literal} in input.plain) && has(input.own.${key})`, input)).toBe(
      true,
    )
    expect(decide(`input.own.${key} == 1 && input.own[${literal}] == 1 && {${literal}: 2}.${key} == 2`, input)).toBe(
      true,
    )
    expect(decide(`input.own == {${literal}: 1} && input.plain != input.own && size(input.own) == 1`, input)).toBe(true)
    expect(decide(`input.own.exists(k, k == ${literal})`, input)).toBe(true)
    for (const holder of ['plain', 'list', 'text']) fail(`input.${holder}.${key} == 1`, input)
  })

  test('of tasks, too, and a number of JSON is not an object', () => {
    const outputs = Object.assign(Object.create(null) as Record<string, unknown>, { constructor: 1, ['__proto__']: 2 })
    expect(parse('output.constructor == 1 && output["__proto__"] == 2').evaluate(valuesOf(outputs))).toBe(true)
    const input = { n: new JsonNumber('9007199254740993') }
    expect(fail('input.n.text == "x"', input).message).toContain('found `9007199254740993` (number)')
    expect(fail('has(input.n.text)', input).message).toContain('found `9007199254740993` (number)')
  })
})

test('values are neither changed nor copied, and a condition may be shared', () => {
  const touched: string[] = []
  const guard = (target: object): object =>
    new Proxy(target, {
      ownKeys: () => {
        throw new Error('copied')
      },
      get: (object, key, receiver) => {
        touched.push(String(key))
        return Reflect.get(object, key, receiver) as unknown
      },
      set: () => {
        throw new Error('changed')
      },
      defineProperty: () => {
        throw new Error('changed')
      },
    })
  const condition = parse('output.a.list.size() > 3 && output.a.list[3].x + 1 == 2')
  const list = guard([0, 0, 0, Object.freeze({ x: 1 })])
  const values = valuesOf({ a: guard({ list, other: 1 }) })
  expect(condition.evaluate(values) && condition.evaluate(values)).toBe(true)
  expect(new Set(touched)).toEqual(new Set(['list', 'length', '3']))
  const frozen = Object.freeze([3, 1, 2])
  expect(
    decide('(input.l + [4]).size() == 4 && input.l.filter(x, x > 1) == [3, 2] && input.l.map(x, x) == input.l', {
      l: frozen,
    }),
  ).toBe(true)
})
