import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import type { ExecutionModel } from '../model/execution-model.ts'
import { nextFrame } from '../model/frames.ts'

/** Interval of updates of what runs, ms; longer where motion is to be reduced. */
const INTERVAL_MS = 100
const REDUCED_INTERVAL_MS = 1000

/**
 * The end of the time that is shown, ms since 1970 by the clock of the server: its last event, or, while it runs, the time since.
 * Renders the caller again while time passes.
 */
export function useNow(model: ExecutionModel): number {
  const tick = useSignal(0)
  // Not a signal: one that is written while its reader renders would stop its updates.
  const offset = useRef(Number.NaN)
  const { fold, place } = model
  const { trace, state } = fold
  const isLive = place.value === undefined && model.connection.value.status !== 'ended'
  const isRunning = isLive && trace.endedAt === undefined && state.parked === undefined && state.status === 'running'
  // The clocks of server and page differ: time passes from the last event on.
  if (isRunning) offset.current = latestOffset(offset.current, trace.lastAt - Date.now())
  useEffect(() => {
    if (!isRunning) return undefined
    const isReduced = matchMedia('(prefers-reduced-motion: reduce)').matches
    let cancel = (): void => {}
    const timer = setInterval(
      () => {
        cancel()
        cancel = nextFrame(() => (tick.value += 1))
      },
      isReduced ? REDUCED_INTERVAL_MS : INTERVAL_MS,
    )
    return () => {
      clearInterval(timer)
      cancel()
    }
  }, [isRunning])
  void tick.value
  return isRunning ? Math.max(trace.lastAt, Date.now() + offset.current) : (trace.endedAt ?? trace.lastAt)
}

/** The largest difference seen: an event that comes late does not turn the clock back. */
function latestOffset(known: number, found: number): number {
  return Number.isNaN(known) || found > known ? found : known
}
