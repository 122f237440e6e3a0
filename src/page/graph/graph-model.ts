import type { TaskStatus } from '../../events/events.ts'
import type { GraphTask } from '../../host/details/execution-graph.ts'
import type { Fold } from '../model/fold.ts'

/** Above this number of nodes the large layers are folded; an opened one shows at most as many of its tasks. */
const MAX_NODES = 1000
const MAX_OPENED = 500
/** Layers of at least this size are folded. */
const MIN_FOLDED = 12

/** A node: a task, or the tasks of a layer together. */
export interface GraphNode {
  /** Of a task its id; of a layer a text that is no id. */
  readonly key: string
  readonly kind: 'task' | 'layer'
  readonly title: string
  /** Ids of the tasks that it stands for. */
  readonly taskIds: readonly string[]
  /** Lower bound of its column. */
  readonly rank: number
  readonly isParent: boolean
  readonly isOpen: boolean
  readonly task?: GraphTask | undefined
}

/** An edge, by the places of its ends. */
export interface GraphEdge {
  readonly from: number
  readonly to: number
  /** Whether the target may be skipped. */
  readonly isConditional: boolean
  /** Number of dependencies that it stands for. */
  readonly count: number
}

export interface Graph {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
}

/** The key of the node of a layer: task ids hold no brackets but those of children, which follow a name. */
export function layerKey(layer: number): string {
  return `[layer ${layer}]`
}

/** Builds the nodes and edges of what is shown. @param opened groups and layers that a person has opened or folded */
export function buildGraph(
  fold: Fold,
  tasks: ReadonlyMap<string, GraphTask> | undefined,
  opened: ReadonlyMap<string, boolean>,
): Graph {
  return new GraphBuilder(fold, tasks, opened).build()
}

class GraphBuilder {
  readonly #fold: Fold
  readonly #tasks: ReadonlyMap<string, GraphTask> | undefined
  readonly #opened: ReadonlyMap<string, boolean>
  readonly #nodes: GraphNode[] = []
  /** The place of the node of each task. */
  readonly #places = new Map<string, number>()
  readonly #edges = new Map<number, { from: number; to: number; isConditional: boolean; count: number }>()
  /** For an opened parent, its children that no other child depends on: what depends on the parent depends on these. */
  readonly #ends = new Map<string, readonly string[]>()

  constructor(fold: Fold, tasks: ReadonlyMap<string, GraphTask> | undefined, opened: ReadonlyMap<string, boolean>) {
    this.#fold = fold
    this.#tasks = tasks
    this.#opened = opened
  }

  build(): Graph {
    const { top, state } = this.#fold
    const layers: string[][] = []
    for (const id of top) (layers[state.tasks.get(id)?.layer ?? 0] ??= []).push(id)
    const isLarge = top.length > MAX_NODES
    for (const [layer, ids = []] of layers.entries()) {
      const key = layerKey(layer)
      const isFolded = isLarge && ids.length >= MIN_FOLDED
      const isOpen = this.#opened.get(key) === true
      const shown = !isFolded ? ids : isOpen ? ids.slice(0, MAX_OPENED) : []
      for (const id of shown) this.#addTask(id, 0)
      const rest = ids.slice(shown.length)
      if (isFolded) this.#addLayer(key, layer, rest.length > 0 ? rest : ids.slice(0, 0), isOpen)
    }
    for (const [id, place] of this.#places) this.#connect(id, place)
    return { nodes: this.#nodes, edges: [...this.#edges.values()] }
  }

  #addLayer(key: string, layer: number, taskIds: readonly string[], isOpen: boolean): void {
    const title = isOpen ? `${taskIds.length} more of layer ${layer + 1}` : `Layer ${layer + 1}`
    for (const id of taskIds) this.#places.set(id, this.#nodes.length)
    this.#nodes.push({ key, kind: 'layer', title, taskIds, rank: layer, isParent: true, isOpen })
  }

  #addTask(id: string, depth: number): void {
    const { children, state } = this.#fold
    const own = children.get(id) ?? []
    const { finallyFrom } = state
    const task = state.tasks.get(id)
    const isLast = depth === 0 && finallyFrom !== undefined && (task?.layer ?? 0) >= finallyFrom
    const isOpen = own.length > 0 && this.#opened.get(id) === true
    this.#places.set(id, this.#nodes.length)
    this.#nodes.push({
      key: id,
      kind: 'task',
      title: id,
      taskIds: [id],
      // The document's layers are columns; `finally` tasks have no edge to what comes before them.
      rank: isLast ? (task?.layer ?? 0) : 0,
      isParent: own.length > 0,
      isOpen,
      task: this.#tasks?.get(id),
    })
    if (!isOpen) return
    const shown = own.slice(0, MAX_OPENED)
    for (const child of shown) this.#addTask(child, depth + 1)
    const needed = new Set(shown.flatMap(child => this.#fold.trace.tasks.get(child)?.dependsOn ?? []))
    this.#ends.set(
      id,
      shown.filter(child => !needed.has(child)),
    )
  }

  #connect(id: string, place: number): void {
    const { state, trace } = this.#fold
    const task = state.tasks.get(id)
    const known = this.#tasks?.get(id)
    const before = trace.tasks.get(id)?.dependsOn ?? known?.dependsOn ?? []
    const isConditional = known?.when !== undefined || known?.runOn !== undefined
    for (const each of before) this.#addEdge(each, place, isConditional)
    const parentId = task?.parentId
    if (parentId !== undefined && before.length === 0) this.#edge(this.#places.get(parentId), place, false)
  }

  #addEdge(from: string, to: number, isConditional: boolean): void {
    const ends = this.#ends.get(from)
    if (ends === undefined || ends.length === 0) this.#edge(this.#places.get(from), to, isConditional)
    else for (const end of ends) this.#addEdge(end, to, isConditional)
  }

  #edge(from: number | undefined, to: number, isConditional: boolean): void {
    if (from === undefined || from === to) return
    const key = from * 4_000_000 + to
    const known = this.#edges.get(key)
    if (known === undefined) this.#edges.set(key, { from, to, isConditional, count: 1 })
    else known.count += 1
  }
}

/** Numbers of tasks by status. */
export function countStatuses({ state, children }: Fold, { taskIds, kind }: GraphNode): Map<TaskStatus, number> {
  const counts = new Map<TaskStatus, number>()
  const ids = kind === 'layer' ? taskIds : (children.get(taskIds[0] as string) ?? taskIds)
  for (const id of ids) {
    const status = state.tasks.get(id)?.status ?? 'pending'
    counts.set(status, (counts.get(status) ?? 0) + 1)
  }
  return counts
}
