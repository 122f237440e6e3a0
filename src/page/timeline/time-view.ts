import { type Signal, signal } from '@preact/signals'
import type { TimeScale } from './time-scale.ts'

/** The part of the time that is shown: shares of the whole line, from 0 to 1. */
export type TimeView = Signal<{ readonly from: number; readonly to: number }>

/** The largest magnification. */
const MAX_ZOOM = 10_000

export function createTimeView(): TimeView {
  return signal({ from: 0, to: 1 })
}

/** The shown part in units of a scale, with a margin at the end for labels. */
export function fitView(view: TimeView, { length }: TimeScale): { readonly from: number; readonly to: number } {
  const { from, to } = view.value
  return { from: from * length, to: to * length }
}

/** Magnifies around a share of the shown part. @param factor below 1 shows more */
export function zoom(view: TimeView, factor: number, around = 0.5): void {
  const { from, to } = view.peek()
  const size = Math.min(1, Math.max(1 / MAX_ZOOM, (to - from) / factor))
  const center = from + (to - from) * around
  place(view, center - size * around, size)
}

/** Moves the shown part by a share of it. */
export function pan(view: TimeView, by: number): void {
  const { from, to } = view.peek()
  place(view, from + (to - from) * by, to - from)
}

function place(view: TimeView, from: number, size: number): void {
  const start = Math.max(0, Math.min(from, 1 - size))
  view.value = { from: start, to: start + size }
}
