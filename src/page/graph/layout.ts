/** A graph to lay out. Nodes all have one size. */
export interface LayoutInput {
  readonly nodeCount: number
  readonly edges: readonly (readonly [from: number, to: number])[]
  /** Lower bound of the column of each node. */
  readonly ranks: readonly number[]
}

/** Places in px: the centre of each node, and the points of each edge between its ends. */
export interface Layout {
  readonly x: readonly number[]
  readonly y: readonly number[]
  readonly bends: readonly (readonly (readonly [x: number, y: number])[])[]
  readonly width: number
  readonly height: number
}

export const NODE_WIDTH = 164
export const NODE_HEIGHT = 38
/** Space between columns and between rows, px. */
export const COLUMN_GAP = 40
export const ROW_GAP = 12

/** Columns by the longest path, none before the bound of its node. Linear. */
export function rankNodes({ nodeCount, edges, ranks }: LayoutInput): number[] {
  const rank = Array.from({ length: nodeCount }, (_, node) => ranks[node] ?? 0)
  const next: number[][] = Array.from({ length: nodeCount }, () => [])
  const waiting = new Array<number>(nodeCount).fill(0)
  for (const [from, to] of edges) {
    ;(next[from] as number[]).push(to)
    waiting[to] = (waiting[to] as number) + 1
  }
  const ready = waiting.flatMap((count, node) => (count === 0 ? [node] : []))
  for (const node of ready) {
    for (const to of next[node] as number[]) {
      rank[to] = Math.max(rank[to] as number, (rank[node] as number) + 1)
      waiting[to] = (waiting[to] as number) - 1
      if (waiting[to] === 0) ready.push(to)
    }
  }
  return rank
}
