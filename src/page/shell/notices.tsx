/** @jsxImportSource preact */
import { type Signal, signal } from '@preact/signals'
import type { JSX } from 'preact'

/** Minimum time between two announcements of progress, ms: a screen reader speaks each to its end. */
const ANNOUNCE_MS = 5000

/** What a screen reader announces next. */
const announced: Signal<string> = signal('')
/** A failure of the last request of the person, until it is dismissed or another request succeeds. */
const failure: Signal<string | undefined> = signal(undefined)

let lastAt = Number.NEGATIVE_INFINITY
let timer: ReturnType<typeof setTimeout> | undefined

/** Announces progress, throttled: the newest text counts. */
export function announce(text: string): void {
  clearTimeout(timer)
  const say = (): void => {
    lastAt = performance.now()
    announced.value = text
  }
  const left = lastAt + ANNOUNCE_MS - performance.now()
  if (left <= 0) say()
  else timer = setTimeout(say, left)
}

export function showFailure(text: string | undefined): void {
  failure.value = text
}

/** The live regions of the page. */
export function Notices(): JSX.Element {
  const text = failure.value
  return (
    <>
      <div class="visually-hidden" role="status" aria-live="polite">
        {announced.value}
      </div>
      <div role="alert" class="alerts">
        {text !== undefined && (
          <p class="alert">
            <span>{text}</span>
            <button type="button" class="quiet" onClick={() => showFailure(undefined)}>
              Dismiss
            </button>
          </p>
        )}
      </div>
    </>
  )
}
