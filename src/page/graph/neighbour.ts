import type { PlacedGraph } from './use-layout.ts'

/** The nearest node in the direction of an arrow key; `undefined` for another key, or if there is none. */
export function findNeighbour(
  { nodes, layout }: PlacedGraph,
  from: string | undefined,
  key: string,
): number | undefined {
  if (!key.startsWith('Arrow')) return undefined
  const at = nodes.findIndex(node => node.key === (from ?? nodes[0]?.key))
  const { x, y } = layout
  if (at < 0) return nodes.length > 0 ? 0 : undefined
  const isSideways = key === 'ArrowLeft' || key === 'ArrowRight'
  const sign = key === 'ArrowRight' || key === 'ArrowDown' ? 1 : -1
  let best: number | undefined
  let least = Number.POSITIVE_INFINITY
  for (const node of nodes.keys()) {
    const across = (x[node] as number) - (x[at] as number)
    const down = (y[node] as number) - (y[at] as number)
    const ahead = (isSideways ? across : down) * sign
    // Up and down stay in the column.
    if (ahead <= 1 || (!isSideways && Math.abs(across) > 1)) continue
    const cost = ahead + Math.abs(isSideways ? down : across) * 2
    if (cost >= least) continue
    least = cost
    best = node
  }
  return best
}
