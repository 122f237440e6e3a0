import { DirectedGraph } from 'graphology'
import { topologicalGenerations } from 'graphology-dag'

/**
 * Keys are numbers, so that no id that a document may choose can meet a property of graphology's own objects, and large ones:
 * for each node it keeps objects by key, of which V8 makes arrays of that length where keys are small.
 */
const FIRST_KEY = 65_536

/** Task indices by layer: every task stands one layer behind the last of its dependencies. */
export type Layers = readonly (readonly number[])[]

/**
 * The topological layers of the tasks, each in document order, or `undefined` if there is a cycle. Linear.
 *
 * The graph is built to be asked once and let go: kept, it would take more memory than the rest of the plan.
 */
export function computeLayers(dependencies: readonly (readonly number[])[]): Layers | undefined {
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
    // It has no other way to say so.
    if (error instanceof Error && error.message.includes('not acyclic')) return undefined
    throw error
  }
}

function inDocumentOrder(keys: readonly string[]): readonly number[] {
  return Array.from(Int32Array.from(keys, key => Number(key) - FIRST_KEY).sort())
}
