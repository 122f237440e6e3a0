/** @jsxImportSource preact */
import type { JSX } from 'preact'

/** Shapes of 16 by 16, one per status: readable without colour. */
const SHAPES: Readonly<Record<string, JSX.Element>> = {
  success: <path d="M3.5 8.5l3 3 6-7" />,
  error: <path d="M4.5 4.5l7 7m0-7l-7 7" />,
  running: <path d="M5.5 3.5v9l7-4.5z" fill="currentColor" stroke="none" />,
  waiting: <path d="M5.6 6.2a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.2.9-1.2 1.6M8 12.6v.1" />,
  parked: <path d="M5.8 4v8m4.4-8v8" />,
  skipped: <path d="M4 4.5l4 3.5-4 3.5m5-7v7" />,
  cancelled: <path d="M4 12L12 4m1 4a5 5 0 1 1-10 0a5 5 0 0 1 10 0" />,
  partial: <path d="M8 3.5v5.5m0 3v.1" />,
  pending: <circle cx="8" cy="8" r="2.4" />,
}

/** The icon of a status; its word stands beside it, or in a label. */
export function StatusIcon({ status }: { readonly status: string }): JSX.Element {
  return (
    <svg class={`icon ${status}`} width="16" height="16" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {SHAPES[status] ?? SHAPES['pending']}
    </svg>
  )
}

/** A status by icon and word. */
export function Status({ status }: { readonly status: string }): JSX.Element {
  return (
    <span class={`status ${status}`}>
      <StatusIcon status={status} />
      {status}
    </span>
  )
}
