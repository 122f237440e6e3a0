import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  computeCriticalPath,
  computeLayerCount,
  computeMakespan,
  computeWork,
  scaleWorkload,
} from '../../bench/makespan.mjs'
import { createShape, SHAPES, type WorkloadTask } from '../../bench/shapes.mjs'
import { readTraces } from '../../bench/traces.mjs'

const task = (id: string, durationMs: number, ...dependsOn: string[]): WorkloadTask => ({ id, durationMs, dependsOn })

/** Two paths whose long tasks are in different layers: the barrier costs 3. */
const CROSSED = [task('a', 1), task('b', 4), task('c', 4, 'a'), task('d', 1, 'b')]

test('layers wait for the longest of each layer, dataflow for the dependencies alone', () => {
  expect(computeMakespan(CROSSED, 'layers', Infinity)).toBe(8)
  expect(computeMakespan(CROSSED, 'dataflow', Infinity)).toBe(5)
  expect(computeCriticalPath(CROSSED)).toBe(5)
  expect(computeLayerCount(CROSSED)).toBe(2)
})

test('on one slot both take the sum of all times', () => {
  expect(computeMakespan(CROSSED, 'layers', 1)).toBe(10)
  expect(computeMakespan(CROSSED, 'dataflow', 1)).toBe(10)
  expect(computeWork(CROSSED)).toBe(10)
})

test('with few slots dataflow starts the longest remaining path first, layers go by document order', () => {
  const tasks = [task('a', 2), task('b', 2), task('c', 2), task('long', 6)]
  expect(computeMakespan(tasks, 'dataflow', 2)).toBe(6)
  expect(computeMakespan(tasks, 'layers', 2)).toBe(8)
})

test('nothing takes no time, a cycle and an unknown dependency are refused', () => {
  expect(computeMakespan([], 'layers', 8)).toBe(0)
  expect(computeMakespan([], 'dataflow', 8)).toBe(0)
  expect(() => computeCriticalPath([task('a', 1, 'b'), task('b', 1, 'a')])).toThrow('without cycles')
  expect(() => computeCriticalPath([task('a', 1, 'x')])).toThrow('`x`')
})

test('a scaled workload has the critical path asked for, in whole milliseconds', () => {
  expect(scaleWorkload(CROSSED, 2000).map(({ durationMs }) => durationMs)).toEqual([400, 1600, 1600, 400])
  expect(scaleWorkload([task('a', 0)], 2000)).toEqual([task('a', 0)])
})

test('no makespan is below what theory allows, and unlimited dataflow is the critical path', () => {
  const workload = fc
    .record({ shape: fc.constantFrom(...SHAPES), taskCount: fc.integer({ min: 1, max: 60 }), seed: fc.nat() })
    .map(({ shape, taskCount, seed }) => scaleWorkload(createShape(shape, taskCount, seed), 2000))
  fc.assert(
    fc.property(workload, fc.integer({ min: 1, max: 9 }), (tasks, slots) => {
      const lowest = Math.max(computeCriticalPath(tasks), computeWork(tasks) / slots)
      for (const schedule of ['layers', 'dataflow'] as const) {
        const makespan = computeMakespan(tasks, schedule, slots)
        expect(makespan).toBeGreaterThanOrEqual(lowest)
        expect(makespan).toBeLessThanOrEqual(computeWork(tasks))
      }
      expect(computeMakespan(tasks, 'dataflow', Infinity)).toBe(computeCriticalPath(tasks))
    }),
    { numRuns: 200 },
  )
})

/** Published with the traces, seconds: critical path; layers, unlimited and on 8 slots; longest path first on 8 slots. */
const KNOWN: Record<string, [number, number, number, number]> = {
  'hic-dirt02-001': [274.6, 343.2, 343.2, 274.6],
  'srasearch-chameleon-10a-001': [1005.9, 1005.9, 1469.0, 1005.9],
  'taxprofiler-dirt02-001': [741.6, 1409.0, 1409.7, 741.6],
  'viralrecon-dirt02-001': [487.9, 1265.1, 1266.3, 487.9],
  'cycles-chameleon-5l-1c-12p-001': [454.8, 516.2, 2297.8, 1982.3],
}

for (const [name, known] of Object.entries(KNOWN)) {
  test(`the makespans of ${name} are those published with it`, context => {
    const path = fileURLToPath(new URL(`../../../shared/workloads/wfcommons/${name}.json`, import.meta.url))
    if (!existsSync(path)) context.skip('the traces are not beside this checkout')
    const tasks = readTraces(path)[0]?.tasks ?? []
    const computed = [
      computeCriticalPath(tasks),
      computeMakespan(tasks, 'layers', Infinity),
      computeMakespan(tasks, 'layers', 8),
      computeMakespan(tasks, 'dataflow', 8),
    ]
    // Published with four digits, some of them from rounded inputs.
    for (const [index, seconds] of known.entries()) {
      expect(Math.abs((computed[index] ?? 0) / 1000 / seconds - 1)).toBeLessThan(0.0005)
    }
  })
}
