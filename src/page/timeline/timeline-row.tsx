/** @jsxImportSource preact */
import type { JSX } from 'preact'
import type { TaskState } from '../../events/execution-state.ts'
import { formatCount, formatDuration } from '../shell/format.ts'
import { Status, StatusIcon } from '../shell/status.tsx'
import { Bars } from './bars.tsx'
import type { RowProps } from './row-props.ts'

/** One task. */
export function TimelineRow(props: RowProps): JSX.Element | null {
  const { row, index, fold, isCritical, isSelected, isActive, onSelect, onToggle } = props
  const task = fold.state.tasks.get(row.taskId)
  if (task === undefined) return null
  const { taskId, status, tool } = task
  const name = row.depth > 0 ? shortName(task) : taskId
  return (
    <tr
      aria-rowindex={index + 2}
      class={`${isSelected ? 'selected' : ''} ${isCritical ? 'critical' : ''}`}
      onClick={onSelect}
    >
      <th scope="row" class="task" style={{ paddingLeft: `${6 + row.depth * 14}px` }}>
        {row.childCount > 0 ? (
          <button
            type="button"
            class="twist"
            tabIndex={-1}
            aria-expanded={row.isOpen}
            aria-label={`Children of ${taskId}`}
            onClick={event => {
              event.stopPropagation()
              onToggle()
            }}
          >
            {row.isOpen ? '▾' : '▸'}
          </button>
        ) : (
          <span class="twist" />
        )}
        <StatusIcon status={status} />
        <button
          type="button"
          class="link"
          data-row={index}
          tabIndex={isActive ? 0 : -1}
          aria-pressed={isSelected}
          title={taskId}
          onClick={onSelect}
        >
          {name}
          {isCritical && <span class="visually-hidden">, on the critical path</span>}
        </button>
        <span class="tool">{row.childCount > 0 ? describeChildren(row.childCount, task) : tool}</span>
      </th>
      <td class="word">
        <Status status={status} />
      </td>
      <td class="number duration">{describeTime(props, task)}</td>
      <td class="time">
        <Bars {...props} task={task} />
      </td>
    </tr>
  )
}

/** The part of a child's id behind that of its parent. */
function shortName({ taskId, parentId }: TaskState): string {
  if (parentId === undefined || !taskId.startsWith(parentId)) return taskId
  return taskId.slice(parentId.length).replace(/^\//, '')
}

function describeChildren(count: number, { itemCount }: TaskState): string {
  return itemCount === undefined ? `${formatCount(count)} tasks` : `${formatCount(itemCount)} items`
}

function describeTime({ fold, now }: RowProps, { taskId, status, result }: TaskState): string {
  if (result !== undefined) return result.attempts === 0 ? '' : formatDuration(result.executionTimeMs)
  const attempt = fold.trace.tasks.get(taskId)?.attempts.at(-1)
  if (attempt === undefined || status === 'pending') return ''
  return attempt.endedAt === undefined ? formatDuration(now - attempt.startedAt) : 'retries'
}
