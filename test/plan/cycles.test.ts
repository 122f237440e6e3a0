import fc from 'fast-check'
import { expect, test } from 'vitest'
import { findCycles } from '../../src/plan/cycles.ts'
import { computeLayers } from '../../src/plan/graph.ts'
import { runAtOnce } from '../../src/slices.ts'
import { createRandom, shuffle } from '../support/random-graph.ts'

/** The cycles of a graph given by ids, as ids. */
function cyclesOf(graph: Readonly<Record<string, readonly string[]>>): string[] {
  const ids = Object.keys(graph)
  const dependencies = ids.map(id => (graph[id] as readonly string[]).map(dependency => ids.indexOf(dependency)))
  return findCycles(dependencies, ids).map(cycle => cycle.map(task => ids[task]).join(' '))
}

test('a graph without cycles has none', () => {
  expect(cyclesOf({})).toEqual([])
  expect(cyclesOf({ a: [], b: ['a'], c: ['a', 'b'] })).toEqual([])
})

test('a cycle begins and ends with its smallest id, each depending on the next', () => {
  expect(cyclesOf({ c: ['b'], a: ['c'], b: ['a'] })).toEqual(['a c b a'])
})

test('there is one for each separate cycle, in the order of their ids', () => {
  expect(cyclesOf({ z: ['y'], y: ['z'], m: ['z', 'n'], n: ['m'], a: ['m'] })).toEqual(['m n m', 'y z y'])
})

test('of cycles that share tasks the shortest through the smallest id is reported', () => {
  expect(cyclesOf({ a: ['b', 'c'], b: ['d'], c: ['a'], d: ['a'] })).toEqual(['a c a'])
  expect(cyclesOf({ a: ['c', 'b'], b: ['a'], c: ['a'] })).toEqual(['a b a'])
})

test('a cycle is the same for any order of the tasks, and is one', () => {
  const graphs = fc.array(fc.array(fc.nat({ max: 11 }), { maxLength: 3 }), { minLength: 12, maxLength: 12 })
  fc.assert(
    fc.property(graphs, fc.nat(), (lists, seed) => {
      const entries = lists.map((list, task): [string, string[]] => {
        const dependencies = [...new Set(list)].filter(dependency => dependency !== task)
        return [`t${task}`, dependencies.map(dependency => `t${dependency}`)]
      })
      const told = cyclesOf(Object.fromEntries(entries))
      const random = createRandom(seed)
      const shuffled = shuffle(entries, random).map(([id, list]) => [id, shuffle(list, random)])
      expect(cyclesOf(Object.fromEntries(shuffled))).toEqual(told)
      const graph = new Map(entries)
      for (const cycle of told) {
        const path = cycle.split(' ')
        expect(path[0]).toBe(path.at(-1))
        expect(new Set(path).size).toBe(path.length - 1)
        for (let at = 1; at < path.length; at++) expect(graph.get(path[at - 1] as string)).toContain(path[at])
      }
      const ids = entries.map(([id]) => id)
      const steps = computeLayers(entries.map(([, list]) => list.map(id => ids.indexOf(id))))
      if (told.length === 0) expect(runAtOnce(steps).flat()).toHaveLength(ids.length)
      else expect(() => runAtOnce(steps)).toThrow('not acyclic')
    }),
  )
})

test('a cycle of 50,000 tasks is found without recursion', () => {
  const size = 50_000
  const dependencies = Array.from({ length: size }, (_, task) => [(task + 1) % size])
  const [cycle] = findCycles(
    dependencies,
    dependencies.map((_, task) => String(task).padStart(6, '0')),
  )
  expect([cycle?.length, cycle?.[0], cycle?.at(-1)]).toEqual([size + 1, 0, 0])
})
