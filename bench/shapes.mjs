import { createRandom } from './random.mjs'

/** @typedef {{ id: string, durationMs: number, dependsOn: string[] }} WorkloadTask */

/** How many tasks a block of `fan` has: one source, the branches, one sink. */
const FAN = 10

/** For each shape, which earlier tasks a task waits for, by index. */
const DEPENDENCIES = {
  /** Layers of the square root of the task count; each task waits for three of the layer before. */
  layered(task, taskCount, random) {
    const width = Math.round(Math.sqrt(taskCount))
    const from = (Math.floor(task / width) - 1) * width
    return from < 0 ? [] : pick(Math.min(3, width), from, width, random)
  },
  /** No dependencies at all. */
  wide: () => [],
  /** Each waits for the one before. */
  chain: task => (task === 0 ? [] : [task - 1]),
  /** A binary tree that fans out from its root. */
  tree: task => (task === 0 ? [] : [(task - 1) >> 1]),
  /** Blocks one after another: a source, eight branches, a sink that waits for all of them. */
  fan(task) {
    const place = task % FAN
    if (place === 0) return task === 0 ? [] : [task - 1]
    return place < FAN - 1 ? [task - place] : Array.from({ length: FAN - 2 }, (_, branch) => task - FAN + 2 + branch)
  },
  /** Each waits for up to three of any before it. */
  random: (task, _, random) => pick(Math.min(task, Math.floor(random() * 4)), 0, task, random),
}

export const SHAPES = Object.keys(DEPENDENCIES)

/**
 * A generated workload: many short tasks, a few long ones; the same for the same seed.
 * @param {string} shape one of `SHAPES`
 * @param {number} taskCount
 * @param {number} seed
 * @returns {WorkloadTask[]}
 */
export function createShape(shape, taskCount, seed) {
  const findDependencies = DEPENDENCIES[shape]
  if (findDependencies === undefined) throw new Error(`Expected a shape of ${SHAPES.join(', ')}, got \`${shape}\``)
  const random = createRandom(seed)
  return Array.from({ length: taskCount }, (_, task) => ({
    id: `t${task}`,
    durationMs: 10 - 90 * Math.log(1 - random()),
    dependsOn: findDependencies(task, taskCount, random).map(dependency => `t${dependency}`),
  }))
}

/**
 * The workload as a workflow document whose tasks do nothing.
 * @param {readonly WorkloadTask[]} tasks
 */
export function toNoopWorkflow(tasks) {
  return { tasks: tasks.map(({ id, dependsOn }) => ({ id, tool: 'noop', dependsOn })) }
}

/** `count` different numbers of `[from, from + width)`, ascending. */
function pick(count, from, width, random) {
  const picked = new Set()
  while (picked.size < count) picked.add(from + Math.floor(random() * width))
  return [...picked].sort((a, b) => a - b)
}
