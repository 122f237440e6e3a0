import type { PlannedTask } from '../../plan/execution-plan.ts'
import type { TaskGraph } from '../task-graph.ts'

/** Whether tasks have joined the document or were removed from it. */
export function hasGrown(graph: TaskGraph): boolean {
  return graph.root.grown !== undefined
}

/** The indices of the document's tasks: those of its plan, those that joined it, and its `finally` tasks. */
export function listDocumentTasks(graph: TaskGraph): number[] {
  const { tasks, mainCount } = graph.plan
  const listed: number[] = []
  for (let task = 0; task < mainCount; task++) if (isPresent(graph, task)) listed.push(task)
  for (let task = tasks.length; task < graph.size; task++) {
    const isOwn = graph.grownAt(task) !== undefined && graph.groupOf(task).outer === undefined
    if (isOwn && isPresent(graph, task)) listed.push(task)
  }
  for (let task = mainCount; task < tasks.length; task++) listed.push(task)
  return listed
}

/** Ids of the document's tasks, in the order of results. */
export function listDocumentIds(graph: TaskGraph): readonly { readonly id: string }[] {
  if (!hasGrown(graph)) return graph.plan.tasks
  return listDocumentTasks(graph).map(task => ({ id: graph.idOf(task) }))
}

/** The number of layers of the document's tasks. */
export function countLayers(graph: TaskGraph): number {
  const { layers, finallyLayer, mainCount } = graph.plan
  let most = 0
  for (const task of listDocumentTasks(graph)) {
    if (task < mainCount || task >= graph.plan.tasks.length) most = Math.max(most, graph.layerOf(task) + 1)
  }
  return most + layers.length - finallyLayer
}

/**
 * The longest path through the document from times by task index, ms; `finally` tasks follow all others. Linear; not
 * recursive, since a replaced task may have an index after those of its dependents.
 */
export function computeDocumentPath(graph: TaskGraph, timesMs: ArrayLike<number>): number {
  const { mainCount, tasks } = graph.plan
  const isFinally = (task: number): boolean => task >= mainCount && task < tasks.length
  const ends = new Float64Array(graph.size).fill(Number.NaN)
  const open: number[] = []
  let longest = 0
  let base = 0
  for (const first of listDocumentTasks(graph)) {
    if (isFinally(first)) base ||= longest
    open.push(first)
    for (let task = open.at(-1); task !== undefined; task = open.at(-1)) {
      const openCount = open.length
      let start = isFinally(task) ? base : 0
      for (const dependency of dependenciesOf(graph, task)) {
        const end = ends[dependency] as number
        if (Number.isNaN(end)) open.push(dependency)
        else if (end > start) start = end
      }
      if (open.length > openCount) continue
      open.pop()
      const end = start + (timesMs[task] as number)
      ends[task] = end
      longest = Math.max(longest, end)
    }
  }
  return Math.round(longest * 1000) / 1000
}

function dependenciesOf(graph: TaskGraph, task: number): readonly number[] {
  const grown = graph.grownAt(task)
  const planned = graph.plan.dependencies[task] ?? []
  if (grown === undefined && graph.removedCount === 0) return planned
  const ids = grown?.dependsOn ?? planned.map(each => graph.idOf(each))
  const dependencies: number[] = []
  for (const id of ids) {
    const dependency = graph.indexOf(id)
    if (dependency !== undefined) dependencies.push(dependency)
  }
  return dependencies
}

function isPresent(graph: TaskGraph, task: number): boolean {
  return graph.removedCount === 0 || graph.indexOf((graph.taskAt(task) as PlannedTask).id) === task
}
