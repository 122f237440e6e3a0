import fc from 'fast-check'
import { expect, test } from 'vitest'
import { computeLayers as layerSteps, type Layers } from '../../src/plan/graph.ts'
import { computeDependents as dependentSteps, computePriorities, type Dependents } from '../../src/plan/priorities.ts'
import { runAtOnce } from '../../src/slices.ts'

type Lists = readonly (readonly number[])[]

const computeLayers = (dependencies: Lists): Layers => runAtOnce(layerSteps(dependencies))
const computeDependents = (dependencies: Lists): Dependents => runAtOnce(dependentSteps(dependencies))

/** Graphs whose edges all lead to lower indices: free of cycles by their making. */
const acyclic = fc
  .array(fc.array(fc.nat({ max: 100 }), { maxLength: 5 }), { maxLength: 30 })
  .map(lists =>
    lists.map((list, task) => [...new Set(task === 0 ? [] : list.map(n => n % task))].sort((a, b) => a - b)),
  )

test('a task is one layer after the last of its dependencies, layers in document order', () => {
  expect(computeLayers([])).toEqual([])
  expect(computeLayers([[], [], []])).toEqual([[0, 1, 2]])
  expect(computeLayers([[1, 2], [3], [3], []])).toEqual([[3], [1, 2], [0]])
  expect(computeLayers([[], [0], [1], [0, 2]])).toEqual([[0], [1], [2], [3]])
})

test('of any graph the layers hold each task once, after its dependencies and no further', () => {
  fc.assert(
    fc.property(acyclic, dependencies => {
      const layers = computeLayers(dependencies)
      const layerOf = new Map(layers.flatMap((tasks, layer) => tasks.map(task => [task, layer] as const)))
      expect(layerOf.size).toBe(dependencies.length)
      dependencies.forEach((list, task) => {
        expect(layerOf.get(task)).toBe(Math.max(-1, ...list.map(dependency => layerOf.get(dependency) as number)) + 1)
      })
      for (const tasks of layers) expect([...tasks]).toEqual([...tasks].sort((a, b) => a - b))
    }),
  )
})

test('dependents are the dependencies turned round, in document order', () => {
  expect(computeDependents([[], [0], [0, 1]])).toEqual({ starts: [0, 2, 3, 3], targets: [1, 2, 2] })
  fc.assert(
    fc.property(acyclic, dependencies => {
      const { starts, targets } = computeDependents(dependencies)
      const expected = dependencies.map((_, task) =>
        dependencies.flatMap((list, dependent) => (list.includes(task) ? [dependent] : [])),
      )
      expect(dependencies.map((_, task) => targets.slice(starts[task], starts[task + 1]))).toEqual(expected)
    }),
  )
})

test('priorities put the largest sum of estimates along any path first, ties in document order', () => {
  const dependencies = [[], [0], [], [2], [], []]
  const layers = computeLayers(dependencies)
  const order = computePriorities(layers, computeDependents(dependencies), [1, 1, 5, 5, 3, 3])
  expect(order).toEqual([2, 3, 4, 5, 0, 1])
})

test('of any graph a task comes before its dependents when estimates are positive, and sums are the largest', () => {
  fc.assert(
    fc.property(acyclic, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (dependencies, stream) => {
      const estimates = dependencies.map(() => stream.next().value as number)
      const order = computePriorities(computeLayers(dependencies), computeDependents(dependencies), estimates)
      const remaining = (task: number): number => {
        const after = dependencies.flatMap((list, dependent) => (list.includes(task) ? [dependent] : []))
        return (estimates[task] as number) + Math.max(0, ...after.map(remaining))
      }
      const expected = [...dependencies.keys()].sort((a, b) => remaining(b) - remaining(a) || a - b)
      expect(order).toEqual(expected)
    }),
    { numRuns: 50 },
  )
})

test('a chain of 100,000 has its layers in linear time', () => {
  const layers = computeLayers(Array.from({ length: 100_000 }, (_, task) => (task === 0 ? [] : [task - 1])))
  expect([layers.length, layers.at(-1)]).toEqual([100_000, [99_999]])
})
