/** A time of activity, ms. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** A pause that is drawn shorter than it is. */
export interface Gap extends Span {
  /** Where it is drawn, in units of the scale. */
  readonly at: number
  readonly width: number
}

/** Share of the activity that an idle pause is drawn as, and how many times longer it must be to be compressed. */
const GAP_SHARE = 0.03
const MIN_RATIO = 3

/**
 * Maps time to a line on which long pauses are compressed. Units are ms of activity. Monotonic; times outside of it
 * continue at the scale of activity.
 */
export class TimeScale {
  /** Length of the line. */
  readonly length: number
  readonly gaps: readonly Gap[]
  /** Times and their places on the line, ascending. */
  readonly #times: number[] = []
  readonly #places: number[] = []

  /**
   * @param spans in order, not overlapping @param to end of the line, at least the end of the last span
   * @param isBusy whether the activity lasts until there
   */
  constructor(spans: readonly Span[], to: number, isBusy: boolean) {
    const known = spans.length > 0 ? spans : [{ from: to, to }]
    let busy = 0
    for (const span of known) busy += span.to - span.from
    if (isBusy) busy += Math.max(0, to - (known.at(-1) as Span).to)
    const gapWidth = Math.max(1, busy * GAP_SHARE)
    const gaps: Gap[] = []
    let place = 0
    const add = (time: number, at: number): void => {
      this.#times.push(time)
      this.#places.push(at)
    }
    for (const [index, span] of known.entries()) {
      const previous = known[index - 1]
      if (previous !== undefined) {
        const pause = span.from - previous.to
        const width = pause > gapWidth * MIN_RATIO ? gapWidth : pause
        if (width !== pause) gaps.push({ from: previous.to, to: span.from, at: place, width })
        place += width
      }
      add(span.from, place)
      place += span.to - span.from
      add(span.to, place)
    }
    const end = this.#times.at(-1) as number
    if (to > end) {
      const pause = to - end
      const width = isBusy || pause <= gapWidth * MIN_RATIO ? pause : gapWidth
      if (width !== pause) gaps.push({ from: end, to, at: place, width })
      place += width
      add(to, place)
    }
    this.length = Math.max(place, 1)
    this.gaps = gaps
  }

  /** The place of a time. */
  placeOf(time: number): number {
    return interpolate(this.#times, this.#places, time)
  }

  /** The time at a place. */
  timeAt(place: number): number {
    return interpolate(this.#places, this.#times, place)
  }

  /** Times for labels between two places: multiples of a round step after `origin`, none within a compressed pause. */
  ticks(from: number, to: number, count: number, origin: number): number[] {
    const step = roundStep((to - from) / Math.max(1, count))
    const found: number[] = []
    const last = this.timeAt(to)
    let next = Math.ceil((this.timeAt(from) - origin) / step) * step + origin
    while (next <= last && found.length < count * 2 + 2) {
      const gap = this.gaps.find(each => next > each.from && next < each.to)
      if (gap !== undefined) next = Math.ceil((gap.to - origin) / step) * step + origin
      else {
        found.push(next)
        next += step
      }
    }
    return found
  }
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000]
const MINUTE = 60_000
const LONG_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 240, 480, 720, 1440].map(minutes => minutes * MINUTE)

function roundStep(ms: number): number {
  return [...STEPS, ...LONG_STEPS].find(step => step >= ms) ?? Math.ceil(ms / (1440 * MINUTE)) * 1440 * MINUTE
}

function interpolate(from: readonly number[], to: readonly number[], value: number): number {
  let low = 0
  let high = from.length - 1
  if (value <= (from[0] as number)) return (to[0] as number) - ((from[0] as number) - value)
  if (value >= (from[high] as number)) return (to[high] as number) + value - (from[high] as number)
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((from[middle] as number) <= value) low = middle
    else high = middle
  }
  const [a, b] = [from[low] as number, from[high] as number]
  const [c, d] = [to[low] as number, to[high] as number]
  return b === a ? c : c + ((value - a) / (b - a)) * (d - c)
}
