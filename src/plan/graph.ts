import { DirectedGraph } from 'graphology'
import { topologicalGenerations } from 'graphology-dag'
import type { Steps } from '../slices.ts'

/**
 * Node keys are numbers, so that no task id can collide with a property of graphology's objects. They are large, because
 * graphology keeps objects by key for each node, and V8 allocates arrays of that length for small integer keys.
 */
const FIRST_KEY = 65_536

/** Nodes, edges or tasks per step: less than 2 ms. */
const STEP = 512

/** Task indices by layer: every task is one layer after the last of its dependencies. */
export type Layers = readonly (readonly number[])[]

/**
 * Computes the topological layers of an acyclic graph, each in document order. Linear.
 *
 * The graph is discarded afterwards, because it takes more memory than the rest of the plan. Its generations are one
 * step, which takes about a fifth of the time.
 */
export function* computeLayers(dependencies: readonly (readonly number[])[]): Steps<Layers> {
  // Without dependencies there is one layer: making a graph costs as much as a fifth of an execution of one task.
  // Loading graphology takes milliseconds of the first execution.
  if (dependencies.length === 0) return []
  if (dependencies.every(list => list.length === 0)) {
    return [Object.freeze(dependencies.map((_, task) => task))]
  }
  const graph = new DirectedGraph({ allowSelfLoops: false, multi: false })
  let count = 0
  for (let task = 0; task < dependencies.length; task++) {
    graph.addNode(FIRST_KEY + task)
    if (++count % STEP === 0) yield
  }
  for (let task = 0; task < dependencies.length; task++) {
    const list = dependencies[task] as readonly number[]
    for (let at = 0; at < list.length; at++) {
      graph.addDirectedEdge(FIRST_KEY + (list[at] as number), FIRST_KEY + task)
      if (++count % STEP === 0) yield
    }
  }
  const generations = topologicalGenerations(graph)
  yield
  const layers: (readonly number[])[] = []
  for (const keys of generations) {
    layers.push(Object.freeze(inDocumentOrder(keys)))
    count += keys.length
    if (count >= STEP) {
      count = 0
      yield
    }
  }
  return layers
}

function inDocumentOrder(keys: readonly string[]): readonly number[] {
  return Array.from(Int32Array.from(keys, key => Number(key) - FIRST_KEY).sort())
}
