/** @jsxImportSource preact */
import type { JSX } from 'preact'
import { hashOf, type Route } from '../route.ts'
import { StatusFilter } from '../shell/status-filter.tsx'
import { pan, type TimeView, zoom } from '../timeline/time-view.ts'
import type { ExecutionContext } from './execution-context.ts'

const STATUSES = ['running', 'waiting', 'pending', 'success', 'error', 'skipped', 'cancelled'] as const
const TABS = [
  ['timeline', 'Timeline'],
  ['graph', 'Graph'],
] as const

const ZOOMS: readonly (readonly [text: string, label: string | undefined, change: (view: TimeView) => void])[] = [
  ['←', 'Earlier', view => pan(view, -0.3)],
  ['−', 'Zoom out', view => zoom(view, 1 / 1.6)],
  ['+', 'Zoom in', view => zoom(view, 1.6)],
  ['→', 'Later', view => pan(view, 0.3)],
  ['All', undefined, view => (view.value = { from: 0, to: 1 })],
]

interface ToolbarProps {
  readonly context: ExecutionContext
  readonly view: TimeView
  readonly tab: 'timeline' | 'graph'
}

/** The choice of the view, the filter, and the zoom of the timeline. */
export function Toolbar({ context, view, tab }: ToolbarProps): JSX.Element {
  const { filter, status, model } = context
  const to = (next: 'timeline' | 'graph'): string =>
    hashOf({ view: 'execution', executionId: model.executionId, tab: next } satisfies Route)
  const isZoomed = view.value.to - view.value.from < 1
  return (
    <div class="toolbar">
      <nav class="tabs" aria-label="Views of the execution">
        {TABS.map(([name, title]) => (
          <a key={name} href={to(name)} aria-current={tab === name ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <label class="search">
        <span class="visually-hidden">Filter tasks by id or tool</span>
        <input
          type="search"
          placeholder="Filter tasks"
          value={filter.value}
          onInput={event => (filter.value = event.currentTarget.value)}
        />
      </label>
      <StatusFilter status={status} statuses={STATUSES} />
      <span class="grow" />
      {tab === 'timeline' && (
        <div class="zoom" role="group" aria-label="Zoom of the timeline">
          {ZOOMS.map(([text, label, change]) => (
            <button
              key={text}
              type="button"
              disabled={!isZoomed && text !== '+'}
              onClick={() => change(view)}
              aria-label={label}
            >
              {text}
            </button>
          ))}
        </div>
      )}
    </div>
  )
}
