/** @jsxImportSource preact */
import type { JSX } from 'preact'
import type { Fold } from '../model/fold.ts'
import { formatCount } from '../shell/format.ts'
import { StatusIcon } from '../shell/status.tsx'
import { countStatuses, type GraphNode } from './graph-model.ts'
import { NODE_HEIGHT, NODE_WIDTH } from './layout.ts'

/** Characters that fit on each line. */
const TITLE_CHARS = 19
const TOOL_CHARS = 22

interface NodeProps {
  readonly node: GraphNode
  readonly fold: Fold
  readonly hasText: boolean
  readonly isDim: boolean
  readonly isSelected: boolean
  readonly isFocused: boolean
  readonly onSelect: (taskId: string) => void
  readonly onToggle: (node: GraphNode) => void
}

/** A task, or a layer: status, name, tool, and the shares of what it stands for. */
export function Node(props: NodeProps): JSX.Element {
  const { node, fold, hasText, isDim, isSelected, isFocused, onSelect, onToggle } = props
  const task = node.kind === 'task' ? fold.state.tasks.get(node.key) : undefined
  const counts = node.isParent ? [...countStatuses(fold, node)] : []
  const total = counts.reduce((sum, [, count]) => sum + count, 0)
  const status = task?.status ?? summarize(new Map(counts))
  const below = node.isParent ? `${formatCount(total)} tasks` : (task?.tool ?? node.task?.tool ?? '')
  const marks = [node.task?.when !== undefined && 'if', node.task?.approve && 'asks'].filter(Boolean).join(' · ')
  const label = `${node.title} ${below}, ${status}${node.isParent ? `, ${node.isOpen ? 'open' : 'folded'}` : ''}`
  const activate = (): void => (node.kind === 'layer' ? onToggle(node) : onSelect(node.key))
  let x = 0
  return (
    <g
      class={`node ${status} ${isDim ? 'dimmed' : ''} ${isSelected ? 'selected' : ''}`}
      role="button"
      // Attributes of SVG are case-sensitive.
      tabindex={isFocused ? 0 : -1}
      onClick={activate}
      onDblClick={() => node.kind === 'task' && node.isParent && onToggle(node)}
      onKeyDown={event => {
        if (event.key === 'Enter') activate()
        else if (event.key === ' ' && node.isParent) onToggle(node)
        else return
        event.preventDefault()
      }}
    >
      <title>{`${label}${node.isParent && node.kind === 'task' ? '. Double-click or press space to open' : ''}`}</title>
      {node.isParent && <rect class="stack" x="4" y="-4" width={NODE_WIDTH - 4} height={NODE_HEIGHT} rx="5" />}
      <rect class="body" width={NODE_WIDTH} height={NODE_HEIGHT} rx="5" />
      <rect class="stripe" width="4" height={NODE_HEIGHT} rx="2" />
      {hasText && (
        <>
          <g transform="translate(10 4) scale(0.85)">
            <StatusIcon status={status} />
          </g>
          <text class="title" x="28" y="15">
            {cut(node.title, TITLE_CHARS)}
          </text>
          <text class="below" x="28" y="29">
            {cut(marks === '' ? below : `${below} · ${marks}`, TOOL_CHARS)}
          </text>
        </>
      )}
      {total > 0 &&
        counts.map(([each, count]) => {
          const width = ((NODE_WIDTH - 8) * count) / total
          x += width
          return (
            <rect key={each} class={`share ${each}`} x={4 + x - width} y={NODE_HEIGHT - 4} width={width} height="3" />
          )
        })}
    </g>
  )
}

/** The status of many tasks: the one that asks for attention first. */
function summarize(counts: ReadonlyMap<string, number>): string {
  const order = ['waiting', 'running', 'error', 'cancelled', 'pending', 'success', 'skipped']
  return order.find(status => counts.has(status)) ?? 'pending'
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text
}
