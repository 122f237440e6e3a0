/**
 * Finds one cycle in each strongly connected component, as task indices, each depending on the next, the first repeated
 * at the end.
 *
 * The cycle is the shortest through the component's smallest id, with ties broken by id, so that the result does not
 * depend on the order of the tasks. Components are sorted by that id. Linear except for sorting; not recursive, so that
 * long cycles cannot overflow the stack.
 */
export function findCycles(dependencies: readonly (readonly number[])[], ids: readonly string[]): number[][] {
  if (isInOrder(dependencies)) return []
  const byId = (a: number, b: number): number => compareText(ids[a] as string, ids[b] as string)
  return findComponents(dependencies)
    .map(component => {
      const members = new Set(component)
      const first = component.reduce((least, task) => (byId(task, least) < 0 ? task : least))
      return findShortestCycle(first, task =>
        (dependencies[task] as readonly number[]).filter(dependency => members.has(dependency)).sort(byId),
      )
    })
    .sort((a, b) => byId(a[0] as number, b[0] as number))
}

/** Whether each task follows its dependencies, as in most documents: then there is no cycle. */
function isInOrder(dependencies: readonly (readonly number[])[]): boolean {
  return dependencies.every((list, task) => list.every(dependency => dependency < task))
}

/** Breadth-first search: the first path back to the start is a shortest one. */
function findShortestCycle(start: number, next: (task: number) => number[]): number[] {
  const cameFrom = new Map<number, number>()
  const queue = [start]
  for (const task of queue) {
    for (const following of next(task)) {
      if (following === start) {
        const path = [start]
        for (let at = task; at !== start; at = cameFrom.get(at) as number) path.push(at)
        return [...path, start].toReversed()
      }
      if (cameFrom.has(following)) continue
      cameFrom.set(following, task)
      queue.push(following)
    }
  }
  return []
}

/** Tarjan's strongly connected components of more than one task (SIAM J. Comput. 1 (2), 1972), with an explicit stack. */
function findComponents(dependencies: readonly (readonly number[])[]): number[][] {
  const count = dependencies.length
  const order = new Int32Array(count)
  const low = new Int32Array(count)
  const isOpen = new Uint8Array(count)
  const nextEdge = new Int32Array(count)
  const open: number[] = []
  const components: number[][] = []
  let visited = 0

  const enter = (task: number, path: number[]): void => {
    visited += 1
    order[task] = low[task] = visited
    isOpen[task] = 1
    open.push(task)
    path.push(task)
  }

  for (let root = 0; root < count; root++) {
    if (order[root] !== 0) continue
    const path: number[] = []
    enter(root, path)
    while (path.length > 0) {
      const task = path[path.length - 1] as number
      const edges = dependencies[task] as readonly number[]
      const edge = nextEdge[task] as number
      if (edge < edges.length) {
        nextEdge[task] = edge + 1
        const dependency = edges[edge] as number
        if (order[dependency] === 0) enter(dependency, path)
        else if (isOpen[dependency] === 1) low[task] = Math.min(low[task] as number, order[dependency] as number)
        continue
      }
      path.pop()
      const parent = path[path.length - 1]
      if (parent !== undefined) low[parent] = Math.min(low[parent] as number, low[task] as number)
      if (low[task] !== order[task]) continue
      const component = open.splice(open.lastIndexOf(task))
      for (const member of component) isOpen[member] = 0
      if (component.length > 1) components.push(component)
    }
  }
  return components
}

/** Compares by UTF-16 code units, independent of the locale. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
