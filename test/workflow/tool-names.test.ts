import fc from 'fast-check'
import { expect, test } from 'vitest'
import { collectNames } from '../../src/workflow/tool-names.ts'

const toolsOf = (document: unknown, find?: (name: string) => unknown): string[] =>
  [...collectNames(document, find).tools].sort()

test('tools are found in tasks, in `finally`, and in workflows within', () => {
  const document = {
    tasks: [
      { tool: 'a' },
      { workflow: { tasks: [{ tool: 'b' }], finally: [{ workflow: { tasks: [{ tool: 'c' }] } }] } },
    ],
    finally: [{ tool: 'd' }, { tool: 'a' }],
  }
  expect(toolsOf(document)).toEqual(['a', 'b', 'c', 'd'])
})

test('tools of registered workflows are found, at any depth, and circles end', () => {
  const workflows: Record<string, unknown> = {
    x: { tasks: [{ tool: 'a' }, { workflow: 'y' }] },
    y: { tasks: [{ tool: 'b' }, { workflow: 'x' }] },
    unused: { tasks: [{ tool: 'c' }] },
  }
  const document = { tasks: [{ workflow: 'x' }, { workflow: 'gone' }] }
  expect(toolsOf(document)).toEqual([])
  expect(toolsOf(document, name => workflows[name])).toEqual(['a', 'b'])
  expect(toolsOf({ ...document, workflows })).toEqual(['a', 'b'])
  expect([...collectNames({ ...document, workflows }).workflows].sort()).toEqual(['gone', 'x', 'y'])
})

test('any value has an answer', () => {
  const cyclic: { tasks: unknown[] } = { tasks: [] }
  cyclic.tasks.push({ workflow: cyclic, tool: 'a' })
  expect(toolsOf(cyclic)).toEqual(['a'])
  const sparse: unknown[] = []
  sparse.length = 2 ** 32 - 1
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  for (const value of [undefined, null, 3, 'x', { tasks: sparse }, revoked.proxy, { tasks: revoked.proxy }]) {
    expect(toolsOf(value)).toEqual([])
  }
  fc.assert(
    fc.property(fc.anything(), value => {
      for (const document of [value, { tasks: value }, { tasks: [value] }, { tasks: [{ workflow: value }] }]) {
        expect(toolsOf(document)).toBeInstanceOf(Array)
      }
    }),
  )
})
