/** @jsxImportSource preact */
import { useSignal } from '@preact/signals'
import type { JSX } from 'preact'
import { useLayoutEffect, useMemo, useRef } from 'preact/hooks'
import { dependenciesOf, type ExecutionContext, setOpened } from '../execution/execution-context.ts'
import { go, route } from '../route.ts'
import { Axis } from './axis.tsx'
import { findCriticalPath } from './critical-path.ts'
import { listRows } from './rows.ts'
import { TimeScale } from './time-scale.ts'
import { TimelineRow } from './timeline-row.tsx'
import { useNow } from './use-now.ts'
import { fitView, type TimeView } from './time-view.ts'

/** Height of a row, px: as in the style. */
export const ROW_HEIGHT = 24
/** Rows that are rendered beyond the visible ones. */
const OVERSCAN = 8

/** The tasks as rows of a table, their attempts in time. Only the visible rows are rendered. */
export function Timeline({
  context,
  view,
}: {
  readonly context: ExecutionContext
  readonly view: TimeView
}): JSX.Element {
  const { model } = context
  const version = model.version.value
  const { fold } = model
  const now = useNow(model)
  const scroller = useRef<HTMLDivElement>(null)
  const place = useSignal({ top: 0, height: 800, width: 600 })
  const active = useSignal(0)
  const wantsFocus = useRef(false)
  const filter = {
    text: context.filter.value.toLowerCase(),
    status: context.status.value,
    opened: context.opened.value,
  }
  const rows = useMemo(
    () => listRows(fold, filter),
    [fold, fold.shape, filter.text, filter.status, filter.opened, filter.status === '' ? 0 : version],
  )
  const critical = useMemo(
    () => findCriticalPath(fold, id => dependenciesOf(context, id)),
    [fold, fold.state.counts.successCount, fold.state.counts.errorCount, context.graph.value],
  )
  const scale = new TimeScale(fold.trace.activity, now, fold.trace.activeCount > 0)
  const visible = fitView(view, scale)
  useLayoutEffect(() => {
    const element = scroller.current as HTMLDivElement
    const measure = (): void => {
      const bars = element.querySelector<HTMLElement>('th.time')
      place.value = { top: element.scrollTop, height: element.clientHeight, width: bars?.clientWidth ?? 600 }
    }
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    element.addEventListener('scroll', measure, { passive: true })
    measure()
    return () => {
      observer.disconnect()
      element.removeEventListener('scroll', measure)
    }
  }, [])
  useLayoutEffect(() => {
    if (!wantsFocus.current) return
    wantsFocus.current = false
    scroller.current?.querySelector<HTMLElement>(`[data-row="${active.peek()}"]`)?.focus()
  })
  const { top, height, width } = place.value
  const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - OVERSCAN)
  const last = Math.min(rows.length, Math.ceil((top + height) / ROW_HEIGHT) + OVERSCAN)
  // Rows that leave on one side are used again on the other: to create elements takes most of the time of scrolling.
  const pool = Math.ceil(height / ROW_HEIGHT) + 2 * OVERSCAN + 2
  const current = Math.min(active.value, Math.max(0, rows.length - 1))
  const moveTo = (index: number): void => {
    const to = Math.max(0, Math.min(index, rows.length - 1))
    active.value = to
    wantsFocus.current = true
    const element = scroller.current as HTMLDivElement
    const room = element.clientHeight - 2 * ROW_HEIGHT
    if (to * ROW_HEIGHT < element.scrollTop) element.scrollTop = to * ROW_HEIGHT
    else if (to * ROW_HEIGHT > element.scrollTop + room) element.scrollTop = to * ROW_HEIGHT - room
  }
  const onKeyDown = (event: KeyboardEvent): void => {
    const row = rows[current]
    const page = Math.max(1, Math.floor(height / ROW_HEIGHT) - 2)
    const to = {
      ArrowDown: current + 1,
      ArrowUp: current - 1,
      PageDown: current + page,
      PageUp: current - page,
      Home: 0,
      End: rows.length - 1,
    }[event.key]
    if (to !== undefined) moveTo(to)
    else if (event.key === 'ArrowRight' && row?.childCount) setOpened(context, row.taskId, true)
    else if (event.key === 'ArrowLeft' && row?.childCount) setOpened(context, row.taskId, false)
    else return
    event.preventDefault()
  }
  const { value: at } = route
  const selected = at.view === 'execution' ? at.task : undefined
  return (
    <div class="timeline" ref={scroller} tabIndex={-1}>
      <table aria-rowcount={rows.length + 1} onKeyDown={onKeyDown}>
        <caption class="visually-hidden">Tasks with their attempts in time</caption>
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" class="task">
              Task
            </th>
            <th scope="col" class="word">
              Status
            </th>
            <th scope="col" class="number duration">
              Time
            </th>
            <th scope="col" class="time">
              <Axis scale={scale} view={visible} width={width} origin={fold.trace.startedAt} />
            </th>
          </tr>
        </thead>
        <tbody>
          {first > 0 && <Spacer height={first * ROW_HEIGHT} />}
          {rows.slice(first, last).map((row, offset) => (
            <TimelineRow
              key={(first + offset) % pool}
              row={row}
              index={first + offset}
              fold={fold}
              scale={scale}
              view={visible}
              width={width}
              now={now}
              isCritical={critical.has(row.taskId)}
              isSelected={row.taskId === selected}
              isActive={first + offset === current}
              onSelect={() => {
                active.value = first + offset
                if (at.view === 'execution') go({ ...at, task: row.taskId }, true)
              }}
              onToggle={() => setOpened(context, row.taskId, !row.isOpen)}
            />
          ))}
          {last < rows.length && <Spacer height={(rows.length - last) * ROW_HEIGHT} />}
        </tbody>
      </table>
      {rows.length === 0 && fold.state.tasks.size > 0 && <p class="empty">No task matches.</p>}
    </div>
  )
}

/** In place of the rows that are not rendered. */
function Spacer({ height }: { readonly height: number }): JSX.Element {
  return (
    <tr aria-hidden="true" class="spacer">
      <td colSpan={4} style={{ height: `${height}px` }} />
    </tr>
  )
}
