import { expect, test } from 'vitest'
import { computeLayerCount } from '../../bench/makespan.mjs'
import { createShape, SHAPES } from '../../bench/shapes.mjs'

const dependencies = (shape: string, taskCount: number): string[][] =>
  createShape(shape, taskCount, 1).map(task => task.dependsOn)

test('a shape is the same for the same seed and another for another', () => {
  for (const shape of SHAPES) {
    expect(createShape(shape, 50, 7)).toEqual(createShape(shape, 50, 7))
    expect(createShape(shape, 50, 7)).not.toEqual(createShape(shape, 50, 8))
  }
})

test('every shape has the tasks it was asked for, each waiting for earlier ones, none of them twice', () => {
  for (const shape of SHAPES) {
    const tasks = createShape(shape, 101, 3)
    expect(tasks.map(task => task.id)).toEqual(Array.from({ length: 101 }, (_, task) => `t${task}`))
    for (const [index, { dependsOn, durationMs }] of tasks.entries()) {
      expect(durationMs).toBeGreaterThan(0)
      expect(new Set(dependsOn).size).toBe(dependsOn.length)
      for (const dependency of dependsOn) expect(Number(dependency.slice(1))).toBeLessThan(index)
    }
  }
})

test('chain, tree, wide and fan are what their names say', () => {
  expect(dependencies('chain', 4)).toEqual([[], ['t0'], ['t1'], ['t2']])
  expect(dependencies('tree', 7)).toEqual([[], ['t0'], ['t0'], ['t1'], ['t1'], ['t2'], ['t2']])
  expect(dependencies('wide', 3)).toEqual([[], [], []])
  const branches = Array.from({ length: 8 }, (_, branch) => `t${branch + 1}`)
  expect(dependencies('fan', 11)).toEqual([[], ...branches.map(() => ['t0']), branches, ['t9']])
})

test('a layered shape of 10,000 has 100 layers and three dependencies for each task below the first', () => {
  const tasks = createShape('layered', 10_000, 1)
  expect(computeLayerCount(tasks)).toBe(100)
  expect(tasks.every(({ dependsOn }, index) => dependsOn.length === (index < 100 ? 0 : 3))).toBe(true)
})

test('an unknown shape is refused by name', () => {
  expect(() => createShape('blob', 1, 1)).toThrow('got `blob`')
})
