import type { SSEEvent } from './events.ts'

/** How long an execution has run by the times of its events, as far as they tell it. */
export class RunClock {
  /** When it would have begun had it run without a pause, ms since 1970 by the clock of the events; `NaN`: unknown. */
  #begunAt = Number.NaN
  /** A person was asked: a forecast knows nothing of people. */
  #wasAsked = false

  apply({ type, data }: SSEEvent): void {
    if (type === 'input_required') this.#wasAsked = true
    else if (type === 'execution_start') this.#begunAt = Date.parse(data.timestamp)
    else if (type === 'execution_resumed') this.#begunAt = Date.parse(data.timestamp) - data.executionTimeMs
    // The start of what a snapshot shows is unknown, and nothing runs after the others.
    else if (type === 'snapshot' || type === 'execution_parked' || type === 'execution_handed_off')
      this.#begunAt = Number.NaN
  }

  /**
   * What is left of a forecast, for people: `about 12 s left`, `longer than the forecast of 12 s`; `undefined` where it is not
   * known.
   * @param now by the clock of the events, ms since 1970
   */
  describeLeft(forecastMs: number | undefined, now: number): string | undefined {
    const leftMs = (forecastMs ?? Number.NaN) - (now - this.#begunAt)
    if (this.#wasAsked || Number.isNaN(leftMs)) return undefined
    return leftMs > 0 ? `about ${roundTime(leftMs)} left` : `longer than the forecast of ${roundTime(forecastMs ?? 0)}`
  }
}

/** To whole seconds, or minutes: a forecast is no more exact. */
function roundTime(ms: number): string {
  return ms < 90_000 ? `${Math.ceil(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`
}
