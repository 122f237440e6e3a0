import { expect, test } from 'vitest'
import { renderTools } from '../../src/cli/render/tool-lines.ts'
import type { AnyTool } from '../../src/tools/registry.ts'

const toolWith = (inputSchema: unknown): AnyTool =>
  ({ name: 's:t', description: 'Does it.', inputSchema, execute: () => null }) as unknown as AnyTool

const linesOf = (inputSchema: unknown, columns = 80): string[] =>
  renderTools([toolWith(inputSchema)], columns)
    .split('\n')
    .slice(1, -1)

test('the arguments of a tool are reported under it, lined up, cut at the width of the terminal', () => {
  const properties = {
    path: { type: 'string', description: `Where\n  it is, ${'x'.repeat(100)}` },
    depth: { type: 'integer' },
    größe: { type: ['number', 'null'] },
  }
  expect(linesOf({ type: 'object', properties, required: ['path'] })).toEqual([
    `    path   string, required  Where it is, ${'x'.repeat(37)}…`,
    '    depth  integer',
    '    größe  number | null',
  ])
})

test.each<[schema: unknown, type: string]>([
  [{ enum: ['a', 1, null] }, '"a" | 1 | null'],
  [{ enum: Array.from({ length: 100 }, (_, n) => n) }, '0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 |…'],
  [{ const: 'x' }, '"x"'],
  [{ type: 'array', items: { type: 'string' } }, 'string[]'],
  [{ type: 'array', items: {} }, 'array'],
  [{ anyOf: [{ type: 'string' }, { type: 'string', format: 'uri' }, { $ref: '#/x' }] }, 'string | any'],
  [{ type: 'str\u001b[31m' }, 'str\\u001b[31m'],
  [true, 'any'],
  [null, 'any'],
  [{}, 'any'],
])('the type of %j is reported as %s', (schema, type) => {
  expect(linesOf({ properties: { x: schema } })).toEqual([`    x  ${type}`])
})

test.each([[undefined], [{}], [{ properties: null }], [{ properties: [], required: 'x' }], [{ '~standard': {} }]])(
  'of the schema %j no argument is reported',
  schema => {
    expect(renderTools([toolWith(schema)], 80)).toBe('s:t  Does it.\n')
  },
)
