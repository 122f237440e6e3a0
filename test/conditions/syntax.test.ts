import { describe, expect, test } from 'vitest'
import { decide, refuse } from '../support/conditions.ts'

describe('an expression is', () => {
  test.each([
    ['literals', 'true && !false && null == null && 1 == 1 && -1 < 0 && 1.5e1 == 15.0 && .5 == 0.5 && 0x1F == 31'],
    ['strings in either quotes, with escapes', String.raw`'a"b' == "a\"b" && '\x41\u0042\U00000043\104' == "ABCD"`],
    ['raw strings', String.raw`r'\d' == "\\d" && R"\"  == '\\'`],
    ['strings of several lines', `'''a\n'b' ''' == "a\\n'b' " && """x""" == 'x'`],
    ['lists and maps, which may end with a comma', '[1, 2,] == [1, 2] && {"a": [],}.a == [] && {} == {}'],
    ['fields, indices and calls of any depth', '{"a": [{"b": "xy"}]}.a[0]["b"].size() == 2'],
    ['conditional', 'false ? false : true ? true : false'],
    ['commented', 'true // but not\n && true'],
    ['spread over lines', 'true\r\n\t&& \f true'],
    ['as long as 4,096 characters', 'true'.padEnd(4096)],
    ['of reserved words as fields', '{"if": 1}.if == 1'],
    ['of names that begin like a string', '[1].exists(b, b == 1) && [1].exists(r, r == 1)'],
  ])('%s', (_, source) => {
    expect(decide(source)).toBe(true)
  })
})

test('operators bind as in the grammar of CEL, to the left', () => {
  expect(decide('1 + 2 * 3 == 7 && 7 - 2 - 1 == 4 && 12 / 3 / 2 == 2 && 7 % 4 * 2 == 6')).toBe(true)
  expect(decide('true || false && false')).toBe(true)
  // Relations are one level: this is `(1 < 2) == true`, and `(true == 1) < 2` below.
  expect(decide('1 < 2 == true')).toBe(true)
  expect(refuse('true == 1 < 2').message).toBe('`==` does not take a boolean and a number')
  expect(decide('!false && - 2 + 3 == 1 && -(2) < 0 && !!true && - -1 == 1')).toBe(true)
})

describe('a source is refused at the column of its fault:', () => {
  test.each<[unknown, number | undefined, string, string?]>([
    [7, undefined, 'Expected an expression as a string, got `7` (number)'],
    ['', 1, 'Expected a value, found the end'],
    ['  ', 3, 'Expected a value, found the end'],
    ['true true', 6, 'Expected an operator or the end, found `true`'],
    ['(true', 6, 'Expected `)`, found the end'],
    ['true)', 5, 'Expected an operator or the end, found `)`'],
    ['[1, 2', 6, 'Expected `]`, found the end'],
    ['{"a" 1}', 6, 'Expected `:`, found `1`'],
    ['input.', 7, 'Expected the name of a field, found the end'],
    ['input.a &&', 11, 'Expected a value, found the end'],
    ['size(,)', 6, 'Expected a value, found `,`'],
    ['size("a",) == 1', 10, 'Expected a value, found `)`'],
    ['if == 1', 1, 'The word `if` is reserved and names nothing'],
    ["input.a == 'x", 12, "Expected the string to end with '", "Add '"],
    ["'a\nb' == ''", 3, 'Expected the string to end on its line', 'Write `\\n` for a line break'],
    [
      String.raw`'\d' == ''`,
      2,
      String.raw`${'`'}\d${'`'} is not an escape sequence of strings`,
      'For the character `\\` itself write two of them, or a raw string as in r"\\d"',
    ],
    [
      String.raw`'\ud800' == ''`,
      2,
      '`\\u` is not an escape sequence of strings',
      'For the character `\\` itself write two of them, or a raw string as in r"\\d"',
    ],
    ['b"a" == b"a"', 1, 'Conditions have no bytes', 'Write a string without `b`'],
    [
      '1u == 1',
      2,
      'Expected an operator after the number, found `u`',
      'Conditions have no unsigned integers: leave `u` out',
    ],
    ['1a == 1', 2, 'Expected an operator after the number, found `a`'],
    ['9223372036854775808 > 0', 1, 'The integer does not fit into 64 bits', 'Write it as a double: `1e19`'],
    ['1e999 > 0', 1, 'The number is beyond the largest double'],
    ['input.a = 1', 9, 'Expected an expression, found the character `=`', 'Did you mean `==`?'],
    ['input.a === 1', 11, 'Expected an expression, found the character `=`', 'Did you mean `==`?'],
    ['input.a & true', 9, 'Expected an expression, found the character `&`', 'Did you mean `&&`?'],
    ['input.a | true', 9, 'Expected an expression, found the character `|`', 'Did you mean `||`?'],
    ['true; true', 5, 'Expected an expression, found the character `;`', 'A condition is one expression'],
    ['input.😀', 7, 'Expected an expression, found the character `😀`'],
    ['input.a and true', 9, '`and` is not an operator', 'Did you mean `&&`?'],
    ['input.a or true', 9, '`or` is not an operator', 'Did you mean `||`?'],
    ['not input.a', 1, '`not` is not an operator', 'Did you mean `!`?'],
    ['input.a is null', 9, '`is` is not an operator', 'Did you mean `==`?'],
    ['input?.a == 1', 7, 'Expected a value, found `.`', 'Check it first: `has(a.b) && a.b == 1`'],
    ['input.?a == 1', 7, 'Expected the name of a field, found `?`', 'Check it first: `has(a.b) && a.b == 1`'],
    [
      '$INPUT.a == 1',
      1,
      'Expected an expression, found the character `$`',
      'Write names without `$` and braces: `input.name`, `output.ID`, `status.ID`',
    ],
    ['{{ input.a }}', 2, 'Expected a key, found `{`', 'Write names without braces'],
  ])('%j', (source, column, message, hint) => {
    expect(refuse(source)).toEqual({
      message,
      ...(column !== undefined && { column }),
      ...(hint !== undefined && { hint }),
    })
  })
})

describe('a source is bounded:', () => {
  test('4,096 characters', () => {
    expect(refuse('true'.padEnd(4097))).toEqual({
      message: 'Expected at most 4,096 characters, found 4,097',
      column: 4097,
    })
  })

  test('1,000 nodes', () => {
    const sum = (count: number): string => `${Array.from({ length: count }, () => '1').join('+')}>0`
    expect(decide(sum(499))).toBe(true)
    expect(refuse(sum(501)).message).toBe('Expected at most 1,000 names, values and operators')
  })

  test.each(['(', '[', '!', '-', '{"a":', 'size(', 'true?true:', 'input['])('100 levels of nesting, of %s', opening => {
    expect(refuse(opening.repeat(400)).message).toBe('Expected at most 100 levels of nesting')
  })

  test('long chains without nesting do not count as nesting', () => {
    expect(decide(`${'true && '.repeat(400)}true`)).toBe(true)
    expect(decide(`has(input.a) || input${'.a'.repeat(900)} == 1`, { a: 1 })).toBe(true)
    expect(decide(`${'('.repeat(98)}true${')'.repeat(98)}`)).toBe(true)
  })
})
