import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Fold } from '../../src/page/model/fold.ts'
import { buildGraph, layerKey } from '../../src/page/graph/graph-model.ts'
import { layOutByLayers } from '../../src/page/graph/layered-layout.ts'
import { NODE_HEIGHT, NODE_WIDTH, rankNodes } from '../../src/page/graph/layout.ts'
import { initialValue, kindOf, withMember } from '../../src/page/answer/form-value.ts'
import { indentJson } from '../../src/page/task/indent-json.ts'

const HEAD = { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z' }

function begin(layers: readonly (readonly string[])[], finallyFrom?: number): Fold {
  const fold = new Fold('x')
  const totalTasks = layers.flat().length
  const data = {
    ...HEAD,
    totalTasks,
    schedule: 'layers' as const,
    layers,
    ...(finallyFrom !== undefined && { finallyFrom }),
  }
  fold.apply({ event: { type: 'execution_start', data }, seq: 1 })
  return fold
}

function toGraph(
  edges: Readonly<Record<string, readonly string[]>>,
): Map<string, { taskId: string; tool: string; dependsOn: readonly string[] }> {
  return new Map(Object.entries(edges).map(([taskId, dependsOn]) => [taskId, { taskId, tool: 't', dependsOn }]))
}

const named = ({ nodes, edges }: ReturnType<typeof buildGraph>): string[] =>
  edges.map(({ from, to }) => `${nodes[from]?.key} → ${nodes[to]?.key}`).sort()

describe('a graph', () => {
  test('has the dependencies of the document as edges, and `finally` tasks behind all others', () => {
    const graph = buildGraph(begin([['a'], ['b'], ['z']], 2), toGraph({ a: [], b: ['a'], z: [] }), new Map())
    expect([named(graph), graph.nodes.map(({ rank }) => rank)]).toEqual([['a → b'], [0, 0, 2]])
  })

  test('of an opened parent has its children, and what depends on it depends on the last of them', () => {
    const fold = begin([['a'], ['b']])
    const task = (taskId: string, dependsOn: readonly string[]) => ({ taskId, tool: 't', layer: 0, dependsOn })
    const tasks = [task('a/x', []), task('a/y', ['a/x'])]
    fold.apply({ event: { type: 'tasks_added', data: { ...HEAD, parentId: 'a', tasks, totalTasks: 4 } }, seq: 2 })
    const edges = toGraph({ a: [], b: ['a'] })
    expect(named(buildGraph(fold, edges, new Map()))).toEqual(['a → b'])
    expect(named(buildGraph(fold, edges, new Map([['a', true]])))).toEqual(['a → a/x', 'a/x → a/y', 'a/y → b'])
  })

  test('above a thousand tasks folds its layers, and shows a part of an opened one', () => {
    const layers = [Array.from({ length: 2000 }, (_, n) => `a${n}`), ['b']]
    const edges = toGraph({ b: layers[0] as string[] })
    const folded = buildGraph(begin(layers), edges, new Map())
    expect([named(folded), folded.edges[0]?.count]).toEqual([['[layer 0] → b'], 2000])
    const opened = buildGraph(begin(layers), edges, new Map([[layerKey(0), true]]))
    expect([opened.nodes.length, opened.nodes[500]?.taskIds.length]).toEqual([502, 1500])
  })
})

describe('the own layout', () => {
  /** Edges lead from smaller to larger numbers, so there is no circle. */
  const graphs = fc.integer({ min: 1, max: 60 }).chain(nodeCount =>
    fc
      .array(fc.tuple(fc.nat(nodeCount - 1), fc.nat(nodeCount - 1)), { maxLength: 120 })
      .map(pairs => pairs.filter(([a, b]) => a !== b).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const))
      .map(edges => ({ nodeCount, edges, ranks: new Array<number>(nodeCount).fill(0) })),
  )

  test('places no two nodes over one another, and every edge leads to the right', () => {
    fc.assert(
      fc.property(graphs, input => {
        const { x, y, width, height } = layOutByLayers(input)
        const rank = rankNodes(input)
        for (const [from, to] of input.edges) expect(x[to]).toBeGreaterThanOrEqual((x[from] as number) + NODE_WIDTH)
        const columns = new Map<number, number[]>()
        for (const [node, column] of rank.entries())
          columns.set(column, [...(columns.get(column) ?? []), y[node] as number])
        for (const column of columns.values()) {
          column.sort((a, b) => a - b)
          for (const [at, place] of column.entries()) {
            if (at > 0) expect(place - (column[at - 1] as number)).toBeGreaterThanOrEqual(NODE_HEIGHT)
          }
        }
        expect(Math.max(...x) + NODE_WIDTH / 2).toBeLessThanOrEqual(width + 0.001)
        expect(Math.max(...y) + NODE_HEIGHT / 2).toBeLessThanOrEqual(height + 0.001)
      }),
    )
  })
})

describe('a form', () => {
  const schema = {
    type: 'object',
    required: ['a', 'c'],
    properties: {
      a: { type: 'string' },
      b: { type: 'boolean', default: true },
      c: { $ref: '#/$defs/c' },
      d: { type: 'string' },
    },
    $defs: { c: { type: 'object', properties: { n: { type: 'number', default: 3 } } } },
  }

  test('begins with the defaults and with what is required', () => {
    expect(initialValue(schema, schema, true)).toEqual({ a: '', b: true, c: { n: 3 } })
    expect(initialValue({ $ref: '#' }, { $ref: '#' }, true)).toBeUndefined()
  })

  test.each([
    [{ enum: [1, 2] }, 'choice'],
    [{ oneOf: [{ const: 1, title: 'One' }] }, 'choice'],
    [{ type: 'boolean' }, 'boolean'],
    [{ type: 'integer' }, 'number'],
    [{ type: 'string', maxLength: 5000 }, 'long'],
    [{ type: 'string' }, 'text'],
    [{ type: ['string', 'null'] }, 'json'],
    [{ type: 'array' }, 'json'],
    [{}, 'json'],
  ])('enters a value of %j as %s', (each, kind) => {
    expect(kindOf(each, 0)).toBe(kind)
  })

  test('leaves a member out that has no value', () => {
    expect(withMember({ a: 1, b: 2 }, 'b', undefined)).toEqual({ a: 1 })
    expect(withMember(undefined, '__proto__', 1)).toEqual(JSON.parse('{"__proto__":1}'))
  })
})

test('JSON is indented as `JSON.stringify` would, and numbers keep their digits', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const text = JSON.stringify(value)
      expect(indentJson(text)).toBe(JSON.stringify(value, undefined, 2))
    }),
  )
  expect(indentJson('{"n":12345678901234567890,"s":"{\\"[,:"}')).toBe(
    '{\n  "n": 12345678901234567890,\n  "s": "{\\"[,:"\n}',
  )
})
