/** Interval of updates of a page that is not visible, ms: no frame is painted there. */
const HIDDEN_MS = 1000

/** Calls `callback` once before the next frame, or in a while if the page is hidden. @returns a function that cancels it */
export function nextFrame(callback: () => void): () => void {
  const run = (): void => {
    cancel()
    callback()
  }
  const frame = requestAnimationFrame(run)
  // A hidden page has no frames.
  const timer = setTimeout(run, HIDDEN_MS)
  const cancel = (): void => {
    cancelAnimationFrame(frame)
    clearTimeout(timer)
  }
  return cancel
}
