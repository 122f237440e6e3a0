import { Environment } from '@marcbachmann/cel-js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Condition, parseCondition } from '../../src/conditions/condition.ts'
import { ConditionError } from '../../src/conditions/problem.ts'
import { WHEN } from '../support/conditions.ts'

const names = [...WHEN, 'item', 'index'] as const

const SAMPLES = [
  'output.a.items.exists(x, x != null && x.urgent) || input["n"] + 1 == 2',
  'has(output.b.c) ? size(output.b.c) > 1 : status.a == "success" && error.a == null',
  '[1, 2.5, "x\\u0041"].map(v, {"k": v}).filter(m, m.k == 1).all(m, !(m.k in [index, -3 % 2]))',
  `input.text.lowerAscii().trim().contains('''a''') && r"\\d" != string(1e3) // end`,
]

const outputs: Record<string, unknown> = { a: { items: [{ urgent: true }, null] }, b: { c: 'xyz' } }
const values = {
  input: { n: 1, text: ' ABC ', list: [1, 2, 'x'] },
  output: (id: string): unknown => outputs[id],
  status: (): string => 'success',
  error: (): unknown => null,
  item: { a: 1 },
  index: 3,
}

/** Parses and evaluates a source. Anything but a coded result is thrown. */
function run(source: string): unknown {
  const parsed = parseCondition(source, { names })
  if (!(parsed instanceof Condition)) {
    expect(parsed.message).not.toBe('')
    expect(parsed.column).toBeGreaterThanOrEqual(1)
    expect(parsed.column).toBeLessThanOrEqual(source.length + 1)
    return parsed
  }
  expect(JSON.stringify(parsed.observe(values)).length).toBeLessThan(10_000)
  try {
    return parsed.evaluate(values)
  } catch (error) {
    if (error instanceof ConditionError && error.column >= 1 && error.column <= source.length) return error.message
    throw error
  }
}

const PUNCTUATION = 'abx1.e"\'\\[](){}?:,!-+*/%<>=&|in $\n'.split('')

const pieces = [
  ...SAMPLES.flatMap(source => source.match(/\w+|"[^"]*"|\s|./g) ?? []),
  '((',
  '))',
  '\\',
  '$',
  '\0',
  '😀',
  '\ud800',
  '__proto__',
  'constructor',
  '//',
  '"""',
]

describe('nothing is thrown but a coded result, and nothing hangs:', () => {
  test('random text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), source => void run(source)),
      { numRuns: 2000 },
    )
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...PUNCTUATION), maxLength: 40 }), source => void run(source)),
      { numRuns: 5000 },
    )
  })

  test('random sequences of tokens', () => {
    const sources = fc.array(fc.constantFrom(...pieces), { maxLength: 40 }).map(parts => parts.join(''))
    fc.assert(
      fc.property(sources, source => void run(source)),
      { numRuns: 5000 },
    )
  })

  test('expressions with characters removed, doubled, replaced and exchanged', () => {
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat(12), fc.constantFrom('', ...pieces)), {
      minLength: 1,
      maxLength: 4,
    })
    fc.assert(
      fc.property(fc.constantFrom(...SAMPLES), edits, (sample, changes) => {
        let source = sample
        for (const [at, length, piece] of changes) {
          const start = at % (source.length + 1)
          source = source.slice(0, start) + piece + source.slice(start + length)
        }
        run(source)
      }),
      { numRuns: 5000 },
    )
  })

  test('expressions of any size', () => {
    const units = fc.constantFrom(
      '(',
      '!',
      '-',
      '[',
      '{"a":',
      'a.',
      'input.a[',
      '1+',
      'true&&',
      'x.map(y,',
      'has(',
      '"',
      '\\',
      '1?',
      'input.list.all(x,',
    )
    fc.assert(
      fc.property(
        units,
        fc.integer({ min: 1, max: 5000 }),
        fc.constantFrom('', 'true', '1', 'x'),
        (unit, count, end) => {
          run(unit.repeat(count).slice(0, 5000) + end)
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('results agree with another implementation of CEL', () => {
  const environment = new Environment({ homogeneousAggregateLiterals: false }).registerVariable('input', 'dyn')
  const input = {
    n: 7,
    x: 2.5,
    z: 0,
    s: 'abc',
    t: true,
    nothing: null,
    list: [1, 2, 3],
    texts: ['a', 'abc'],
    items: [{ k: 1 }, { k: 2, l: [5] }],
    empty: [],
  }

  type Source = fc.Arbitrary<string>
  // Both sides of an arithmetic operator are of one type, and every operand is in parentheses: the other implementation
  // has no mixed arithmetic, and two levels of relations.
  const { condition } = fc.letrec<Record<'condition' | 'integer' | 'double' | 'text' | 'list', string>>(tie => {
    const join = (left: Source, operators: readonly string[], right: Source): Source =>
      fc.tuple(left, fc.constantFrom(...operators), right).map(([a, operator, b]) => `(${a} ${operator} ${b})`)
    const [integer, double, text, list] = [tie('integer'), tie('double'), tie('text'), tie('list')]
    const inner = tie('condition')
    const comparisons = ['<', '<=', '>', '>=', '==', '!=']
    const variable = fc.constantFrom('x', 'y')
    return {
      condition: fc.oneof(
        { depthSize: 'medium', withCrossShrink: true },
        fc.constantFrom(
          'true',
          'false',
          'input.t',
          'has(input.s)',
          'has(input.none)',
          'input.none',
          'input.nothing == null',
          'input.s',
        ),
        join(integer, comparisons, integer),
        join(double, comparisons, double),
        join(double, ['<', '>='], integer),
        join(fc.constantFrom('input.n', 'input.list[0]', 'input.z'), ['==', '!='], integer),
        join(text, comparisons, text),
        join(list, ['==', '!='], list),
        join(inner, ['&&', '||', '==', '!='], inner),
        inner.map(a => `!(${a})`),
        fc.tuple(inner, inner, inner).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
        fc
          .tuple(text, fc.constantFrom('contains', 'startsWith', 'endsWith'), text)
          .map(([a, method, b]) => `${a}.${method}(${b})`),
        fc
          .tuple(
            fc.constantFrom('input.list', 'input.empty'),
            fc.constantFrom('all', 'exists', 'exists_one'),
            variable,
            double,
            inner,
          )
          .map(([range, macro, name, bound, also]) => `${range}.${macro}(${name}, (${name} >= ${bound}) && ${also})`),
        fc.constantFrom('all', 'exists', 'exists_one').map(macro => `input.items.${macro}(i, i.l[0] > 4)`),
        join(double, ['in'], fc.constantFrom('input.list', '[1.0, 7.0]')),
        join(text, ['in'], fc.constantFrom('input.texts', '["abc", "b"]')),
      ),
      integer: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.integer({ min: -9, max: 9 }).map(String),
        fc.constantFrom(
          '9223372036854775807',
          'size(input.s)',
          'input.list.size()',
          'size(input.empty)',
          'int(input.x)',
          'int("12")',
        ),
        join(integer, ['+', '-', '*', '/', '%'], integer),
        list.map(a => `size(${a})`),
      ),
      double: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom(
          '0.0',
          '1.5',
          '2.0',
          'input.n',
          'input.x',
          'input.z',
          'input.list[1]',
          'input.list[5]',
          'input.items[0].k',
          'double(3)',
        ),
        join(double, ['+', '-', '*', '/'], double),
      ),
      text: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom('"abc"', '"b"', '""', 'input.s', 'input.texts[0]', 'input.nope', 'string(1)', 'string(true)'),
        join(text, ['+'], text),
      ),
      list: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.constantFrom('[1.0, 2.0]', 'input.list', 'input.empty', 'input.items.map(i, i.k)'),
        fc.tuple(list, inner).map(([range, test]) => `${range}.filter(z, (z > 1.0) && ${test})`),
        fc.tuple(list, double).map(([range, value]) => `${range}.map(z, z + ${value})`),
        join(list, ['+'], list),
      ),
    }
  })

  const outcome = (evaluate: () => unknown): unknown => {
    try {
      const result = evaluate()
      return typeof result === 'boolean' ? result : 'no boolean'
    } catch {
      return 'no boolean'
    }
  }

  test('for thousands of random expressions', () => {
    let decided = 0
    fc.assert(
      fc.property(condition, source => {
        fc.pre(source.length <= 4096)
        const parsed = parseCondition(source, { names: ['input'] })
        const ours = outcome(() => (parsed instanceof Condition ? parsed.evaluate({ input }) : parsed))
        const theirs = outcome(() => environment.evaluate(source, { input }) as unknown)
        if (typeof ours === 'boolean') decided += 1
        expect([source, ours]).toEqual([source, theirs])
      }),
      { numRuns: 4000 },
    )
    expect(decided).toBeGreaterThan(1500)
  })
})
