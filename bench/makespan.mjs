// The theoretical makespan of a workload without overhead. It shares no code with the measured library.

/** @typedef {import('./shapes.mjs').WorkloadTask} WorkloadTask */

/**
 * The longest path of task times: no schedule is faster, ms.
 * @param {readonly WorkloadTask[]} tasks
 */
export function computeCriticalPath(tasks) {
  return findMaximum(buildGraph(tasks).remaining)
}

/**
 * How many topological layers there are.
 * @param {readonly WorkloadTask[]} tasks
 */
export function computeLayerCount(tasks) {
  return buildGraph(tasks).layers.length
}

/**
 * The sum of task times: what the sequential loop takes, ms.
 * @param {readonly WorkloadTask[]} tasks
 */
export function computeWork(tasks) {
  return tasks.reduce((sum, task) => sum + task.durationMs, 0)
}

/**
 * How long a schedule takes on `slots` workers, ms.
 *
 * `layers`: one topological layer after another, each in document order. `dataflow`: list scheduling, whatever is ready, the
 * longest remaining path first, ties in document order.
 *
 * @param {readonly WorkloadTask[]} tasks
 * @param {'layers' | 'dataflow'} schedule
 * @param {number} slots
 */
export function computeMakespan(tasks, schedule, slots) {
  const graph = buildGraph(tasks)
  return schedule === 'layers' ? simulateLayers(tasks, graph, slots) : simulateDataflow(tasks, graph, slots)
}

/**
 * The same workload with its critical path at `criticalPathMs`, in whole milliseconds, which is what timers know.
 * @param {readonly WorkloadTask[]} tasks
 * @param {number} criticalPathMs
 */
export function scaleWorkload(tasks, criticalPathMs) {
  const given = computeCriticalPath(tasks)
  const factor = given === 0 ? 0 : criticalPathMs / given
  return tasks.map(task => ({ ...task, durationMs: Math.round(task.durationMs * factor) }))
}

function simulateLayers(tasks, { layers }, slots) {
  let now = 0
  for (const layer of layers) {
    const freeAt = Array.from({ length: Math.min(slots, layer.length) }, () => now)
    for (const task of layer) {
      const slot = findEarliest(freeAt)
      freeAt[slot] += tasks[task].durationMs
    }
    now = findMaximum(freeAt)
  }
  return now
}

function simulateDataflow(tasks, { dependents, indegrees, remaining }, slots) {
  const waitingFor = [...indegrees]
  const ready = [...tasks.keys()].filter(task => waitingFor[task] === 0)
  const running = []
  let now = 0
  while (ready.length > 0 || running.length > 0) {
    ready.sort((a, b) => remaining[b] - remaining[a] || a - b)
    for (const task of ready.splice(0, slots - running.length)) {
      running.push({ task, endsAt: now + tasks[task].durationMs })
    }
    running.sort((a, b) => a.endsAt - b.endsAt || a.task - b.task)
    now = running[0].endsAt
    while (running[0]?.endsAt === now) {
      for (const dependent of dependents[running.shift().task]) {
        waitingFor[dependent] -= 1
        if (waitingFor[dependent] === 0) ready.push(dependent)
      }
    }
  }
  return now
}

/** Dependents, indegrees, layers, and of each task the longest path from its start to the end, by task index. */
function buildGraph(tasks) {
  const indexOf = new Map(tasks.map(({ id }, index) => [id, index]))
  const dependents = tasks.map(() => [])
  const indegrees = tasks.map(({ dependsOn }) => dependsOn.length)
  tasks.forEach(({ id, dependsOn }, task) => {
    for (const dependency of dependsOn) {
      const index = indexOf.get(dependency)
      if (index === undefined) throw new Error(`Expected a task \`${dependency}\`, which \`${id}\` waits for`)
      dependents[index].push(task)
    }
  })
  const layers = []
  const waitingFor = [...indegrees]
  let layer = [...indegrees.keys()].filter(task => waitingFor[task] === 0)
  while (layer.length > 0) {
    layers.push(layer)
    layer = layer
      .flatMap(task => dependents[task].filter(dependent => --waitingFor[dependent] === 0))
      .sort((a, b) => a - b)
  }
  if (layers.flat().length !== tasks.length) throw new Error('Expected a workload without cycles')
  const remaining = tasks.map(() => 0)
  for (const task of layers.flat().toReversed()) {
    remaining[task] = tasks[task].durationMs + findMaximum(dependents[task].map(dependent => remaining[dependent]))
  }
  return { dependents, indegrees, layers, remaining }
}

/** 0 for none. Not `Math.max(…)`, whose arguments go over the stack. */
function findMaximum(values) {
  return values.reduce((maximum, value) => Math.max(maximum, value), 0)
}

/** The slot that is free first. */
function findEarliest(freeAt) {
  return freeAt.reduce((earliest, time, slot) => (time < freeAt[earliest] ? slot : earliest), 0)
}
