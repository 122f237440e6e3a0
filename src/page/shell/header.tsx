/** @jsxImportSource preact */
import type { JSX } from 'preact'
import { hashOf, route } from '../route.ts'
import { cycleTheme, theme } from './theme.ts'

const LINKS = [
  ['executions', 'Executions'],
  ['new', 'New run'],
] as const

/** The head of every view. @param isOffline of a file: there are no other views */
export function Header({ isOffline }: { readonly isOffline: boolean }): JSX.Element {
  const { view } = route.value
  return (
    <header class="top">
      <span class="brand">
        <svg viewBox="0 0 20 16" aria-hidden="true" focusable="false">
          <path d="M3 8h4m0 0l5-5h5M7 8l5 5h5" />
          <circle cx="3" cy="8" r="2" />
          <circle cx="17" cy="3" r="2" />
          <circle cx="17" cy="13" r="2" />
        </svg>
        dagstream
      </span>
      {isOffline ? (
        <span class="dim">exported execution</span>
      ) : (
        <nav aria-label="Views">
          {LINKS.map(([to, name]) => (
            <a key={to} href={hashOf({ view: to })} aria-current={view === to ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
      )}
      <button type="button" class="quiet theme" onClick={cycleTheme}>
        Theme: {theme.value}
      </button>
    </header>
  )
}
