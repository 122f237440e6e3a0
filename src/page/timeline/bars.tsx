/** @jsxImportSource preact */
import type { JSX } from 'preact'
import type { TaskState } from '../../events/execution-state.ts'
import type { TaskTrace } from '../model/trace.ts'
import { formatDuration, formatShort } from '../shell/format.ts'
import type { RowProps } from './row-props.ts'

/** Shortest bar, px: every attempt is visible. */
const MIN_WIDTH = 3
/** Room for a label behind a bar, px; without it the label stands before the bar. */
const LABEL_ROOM = 110

/** The wait, the attempts, the pauses between them and the questions of one task in time. */
export function Bars({ task, fold, scale, view, width, now }: RowProps & { readonly task: TaskState }): JSX.Element {
  const trace = fold.trace.tasks.get(task.taskId)
  const { attempts = [], questions = [] } = trace ?? {}
  const toX = (time: number): number =>
    Math.max(-10, Math.min(((scale.placeOf(time) - view.from) / (view.to - view.from)) * width, width + 10))
  const span = (from: number, to: number): { x: number; width: number } => {
    const x = toX(from)
    return { x, width: Math.max(MIN_WIDTH, toX(to) - x) }
  }
  const first = attempts[0]
  const last = attempts.at(-1)
  const end = last === undefined ? (trace?.endedAt ?? now) : (last.endedAt ?? now)
  const readyAt = findReady(task, trace?.endedAt)
  const labelX = toX(end) + 6
  const isFlipped = labelX > width - LABEL_ROOM
  const beforeX = toX(first?.startedAt ?? end) - 6
  return (
    <svg class="bars" width={width} height="24" aria-hidden="true" focusable="false">
      {readyAt !== undefined && first !== undefined && first.startedAt > readyAt && (
        <rect class="wait" y="11" height="2" {...span(readyAt, first.startedAt)} />
      )}
      {attempts.map(({ attempt, startedAt, endedAt, code, interrupted, delayMs }) => {
        const isLast = attempt === last?.attempt
        const kind = interrupted ? 'interrupted' : isLast ? task.status : code === undefined ? 'success' : 'error'
        const to = endedAt ?? now
        return (
          <g key={attempt}>
            <rect class={`bar ${kind}`} y="6" height="12" rx="2" {...span(startedAt, to)}>
              <title>{`Attempt ${attempt}: ${formatDuration(to - startedAt)}${code === undefined ? '' : `, ${code}`}`}</title>
            </rect>
            {delayMs !== undefined && delayMs > 0 && (
              <rect class="delay" y="11" height="2" {...span(to, Math.min(to + delayMs, Math.max(now, to)))} />
            )}
          </g>
        )
      })}
      {questions.map(({ askedAt, resolvedAt }) => (
        <rect key={askedAt} class="bar waiting" y="9" height="6" rx="2" {...span(askedAt, resolvedAt ?? now)} />
      ))}
      {(!isFlipped || beforeX > LABEL_ROOM) && (
        <text y="16" x={isFlipped ? beforeX : labelX} class={isFlipped ? 'before' : ''}>
          {describe(task, trace?.usage, attempts.length)}
        </text>
      )}
    </svg>
  )
}

/** When the task was ready to run, as far as its end tells. */
function findReady({ result }: TaskState, endedAt: number | undefined): number | undefined {
  if (result === undefined || endedAt === undefined) return undefined
  return endedAt - result.executionTimeMs - result.waitMs
}

function describe(task: TaskState, usage: TaskTrace['usage'], attempts: number): string {
  const { result, progress, status } = task
  const tokens = usage === undefined ? 0 : usage.totalTokensIn + usage.totalTokensOut
  const parts = [
    attempts > 1 ? `${attempts} attempts` : '',
    result?.reusedFrom === undefined ? '' : 'taken over',
    tokens > 0 ? `${formatShort(tokens)} tok` : '',
    progress === undefined ? '' : describeProgress(progress),
    status === 'success' ? '' : (result?.code ?? ''),
  ]
  return parts.filter(part => part !== '').join(' · ')
}

function describeProgress({ progress, total, message }: NonNullable<TaskState['progress']>): string {
  const share = total === undefined ? String(progress) : `${Math.round((progress / total) * 100)} %`
  return message === undefined ? share : `${share} ${message}`
}
