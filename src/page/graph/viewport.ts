import { type Signal, signal } from '@preact/signals'

/** What part of a drawing is shown: the drawing's origin in px of the view, and the scale. */
export interface Viewport {
  readonly x: number
  readonly y: number
  readonly scale: number
}

const MIN_SCALE = 0.02
const MAX_SCALE = 3
/** Smallest scale that a drawing is fitted by when its text is to stay readable. */
const READABLE = 0.62
const MARGIN = 24

export function createViewport(): Signal<Viewport> {
  return signal({ x: MARGIN, y: MARGIN, scale: 1 })
}

/** Shows the whole drawing, or its beginning where the text would be too small to read. */
export function fit(
  drawing: { readonly width: number; readonly height: number },
  view: { readonly width: number; readonly height: number },
  isWhole: boolean,
): Viewport {
  const whole = Math.min(
    1.2,
    (view.width - 2 * MARGIN) / Math.max(1, drawing.width),
    (view.height - 2 * MARGIN) / Math.max(1, drawing.height),
  )
  const scale = Math.max(MIN_SCALE, isWhole ? whole : Math.max(whole, READABLE))
  const isWide = drawing.width * scale > view.width - 2 * MARGIN
  const x = isWide ? MARGIN : (view.width - drawing.width * scale) / 2
  return { x, y: (view.height - drawing.height * scale) / 2, scale }
}

/** Magnifies around a point of the view. */
export function zoomAt(viewport: Signal<Viewport>, factor: number, x: number, y: number): void {
  const { x: left, y: top, scale } = viewport.peek()
  const next = Math.max(MIN_SCALE, Math.min(MAX_SCALE, scale * factor))
  const ratio = next / scale
  viewport.value = { x: x - (x - left) * ratio, y: y - (y - top) * ratio, scale: next }
}

/** Moves what is shown. */
export function panBy(viewport: Signal<Viewport>, x: number, y: number): void {
  const before = viewport.peek()
  viewport.value = { ...before, x: before.x + x, y: before.y + y }
}

/** Moves as little as needed for a point of the drawing to be inside of the view. */
export function reveal(
  viewport: Signal<Viewport>,
  view: { readonly width: number; readonly height: number },
  point: { readonly x: number; readonly y: number },
): void {
  const { x, y, scale } = viewport.peek()
  const at = { x: x + point.x * scale, y: y + point.y * scale }
  const room = 120
  const shift = (value: number, size: number): number =>
    value < room ? room - value : value > size - room ? size - room - value : 0
  panBy(viewport, shift(at.x, view.width), shift(at.y, view.height))
}
