/** @jsxImportSource preact */
import type { JSX } from 'preact'
import type { Fold } from '../model/fold.ts'
import type { GraphNode } from './graph-model.ts'
import { NODE_HEIGHT, NODE_WIDTH } from './layout.ts'
import { Node } from './node.tsx'
import type { PlacedGraph } from './use-layout.ts'
import type { Viewport } from './viewport.ts'

/** Below this scale nodes are drawn without text. */
const TEXT_SCALE = 0.3

interface DrawingProps {
  readonly placed: PlacedGraph
  readonly fold: Fold
  readonly viewport: Viewport
  readonly size: { readonly width: number; readonly height: number }
  readonly filter: string
  readonly status: string
  readonly selected: string | undefined
  readonly focused: string | undefined
  readonly onSelect: (taskId: string) => void
  readonly onToggle: (node: GraphNode) => void
}

/** The nodes and edges inside of the view. */
export function Drawing(props: DrawingProps): JSX.Element {
  const { placed, fold, viewport, size, filter, status, selected, focused, onSelect, onToggle } = props
  const { nodes, edges, layout } = placed
  const { x: left, y: top, scale } = viewport
  const isInside = (x: number, y: number): boolean => {
    const at = { x: left + x * scale, y: top + y * scale }
    const room = NODE_WIDTH * scale
    return at.x > -room && at.x < size.width + room && at.y > -room && at.y < size.height + room
  }
  const isFiltered = filter !== '' || status !== ''
  const matches = ({ taskIds }: GraphNode): boolean =>
    taskIds.some(id => {
      const task = fold.state.tasks.get(id)
      const isNamed = id.toLowerCase().includes(filter) || (task?.tool ?? '').toLowerCase().includes(filter)
      return isNamed && (status === '' || task?.status === status)
    })
  return (
    <svg class="drawing" role="group" aria-label="Graph of the tasks" width={size.width} height={size.height}>
      <defs>
        <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
          <path d="M0 0.5L7 4L0 7.5z" />
        </marker>
      </defs>
      <g transform={`translate(${left} ${top}) scale(${scale})`}>
        {edges.map(({ from, to, isConditional }, at) => {
          const [x1, y1] = [(layout.x[from] as number) + NODE_WIDTH / 2, layout.y[from] as number]
          const [x2, y2] = [(layout.x[to] as number) - NODE_WIDTH / 2, layout.y[to] as number]
          if (!isInside(x1, y1) && !isInside(x2, y2)) return null
          const isNear = nodes[from]?.key === selected || nodes[to]?.key === selected
          const kind = `${isConditional ? 'conditional' : ''} ${isNear ? 'near' : ''}`
          return (
            <path
              key={at}
              class={`edge ${kind}`}
              d={drawEdge([[x1, y1], ...(layout.bends[at] ?? []), [x2, y2]])}
              marker-end="url(#arrow)"
            />
          )
        })}
        {nodes.map((node, at) => {
          const [x, y] = [layout.x[at] as number, layout.y[at] as number]
          if (!isInside(x, y) && node.key !== focused) return null
          return (
            <g key={node.key} transform={`translate(${x - NODE_WIDTH / 2} ${y - NODE_HEIGHT / 2})`}>
              <Node
                node={node}
                fold={fold}
                hasText={scale >= TEXT_SCALE}
                isDim={isFiltered && !matches(node)}
                isSelected={node.key === selected}
                isFocused={node.key === focused}
                onSelect={onSelect}
                onToggle={onToggle}
              />
            </g>
          )
        })}
      </g>
    </svg>
  )
}

/** A smooth line through points, level at both ends and at each bend. */
function drawEdge(points: readonly (readonly [number, number])[]): string {
  const [[x, y] = [0, 0], ...rest] = points
  let path = `M${x.toFixed(1)} ${y.toFixed(1)}`
  let last: readonly [number, number] = [x, y]
  for (const [toX, toY] of rest) {
    const middle = ((last[0] + toX) / 2).toFixed(1)
    path += `C${middle} ${last[1].toFixed(1)} ${middle} ${toY.toFixed(1)} ${toX.toFixed(1)} ${toY.toFixed(1)}`
    last = [toX, toY]
  }
  return path
}
