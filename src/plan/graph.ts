import { DirectedGraph } from 'graphology'
import { topologicalGenerations } from 'graphology-dag'

/**
 * Node keys are numbers, so that no task id can collide with a property of graphology's objects. They are large, because
 * graphology keeps objects by key for each node, and V8 allocates arrays of that length for small integer keys.
 */
const FIRST_KEY = 65_536

/** Task indices by layer: every task is one layer after the last of its dependencies. */
export type Layers = readonly (readonly number[])[]

/**
 * Computes the topological layers, each in document order; `undefined` if there is a cycle. Linear.
 *
 * The graph is discarded afterwards, because it takes more memory than the rest of the plan.
 */
export function computeLayers(dependencies: readonly (readonly number[])[]): Layers | undefined {
  // Without dependencies there is one layer: making a graph costs as much as a fifth of an execution of one task.
  if (dependencies.length > 0 && dependencies.every(list => list.length === 0)) {
    return [Object.freeze(dependencies.map((_, task) => task))]
  }
  const graph = new DirectedGraph({ allowSelfLoops: false, multi: false })
  for (let task = 0; task < dependencies.length; task++) graph.addNode(FIRST_KEY + task)
  for (let task = 0; task < dependencies.length; task++) {
    for (const dependency of dependencies[task] as readonly number[]) {
      graph.addDirectedEdge(FIRST_KEY + dependency, FIRST_KEY + task)
    }
  }
  try {
    return topologicalGenerations(graph).map(keys => Object.freeze(inDocumentOrder(keys)))
  } catch (error) {
    // graphology reports a cycle only by this message.
    if (error instanceof Error && error.message.includes('not acyclic')) return undefined
    throw error
  }
}

function inDocumentOrder(keys: readonly string[]): readonly number[] {
  return Array.from(Int32Array.from(keys, key => Number(key) - FIRST_KEY).sort())
}
