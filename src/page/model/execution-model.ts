import { type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { Fold, type PlacedEvent } from './fold.ts'
import { nextFrame } from './frames.ts'

/** Time for events in one frame, ms: the rest of 16 is for layout and paint. Longer while many wait, as at the opening. */
const FRAME_BUDGET_MS = 8
const CATCH_UP_MS = 24
const MANY = 1000
/** Events between two looks at the time. */
const STEP = 64
/** Events that may wait for a frame; beyond it the reader waits, and by it the server. */
const MAX_WAITING = 4096
/** Maximum number of events that are kept for a replay. */
export const MAX_KEPT = 200_000

/** The connection that a model is fed by. */
export type Connection =
  | { readonly status: 'connecting' | 'live' | 'ended' }
  | { readonly status: 'reconnecting'; readonly attempt: number; readonly delayMs: number; readonly error: string }
  | { readonly status: 'failed'; readonly error: string }

/**
 * One execution as the page shows it: its newest fold, or that of a place in its log. Events are applied once a frame, and
 * `version` changes then; views read the folds as they are.
 */
export class ExecutionModel {
  readonly executionId: string
  /** Changes whenever what is shown has changed, at most once a frame. */
  readonly version: Signal<number> = signal(0)
  readonly connection: Signal<Connection> = signal<Connection>({ status: 'connecting' })
  /** Number of reconnections so far. */
  readonly reconnectCount: Signal<number> = signal(0)
  /** The number of events that are shown; `undefined`: all of them, live. */
  readonly #place: Signal<number | undefined> = signal<number | undefined>(undefined)
  readonly #kept: PlacedEvent[] = []
  /** More events came than are kept. */
  isReplayCut = false
  #live: Fold
  #past: { readonly fold: Fold; count: number } | undefined
  #waiting: PlacedEvent[] = []
  #wake: (() => void)[] = []
  #cancelFrame: (() => void) | undefined

  constructor(executionId: string) {
    this.executionId = executionId
    this.#live = new Fold(executionId)
  }

  /** What is shown. */
  get fold(): Fold {
    return this.#past?.fold ?? this.#live
  }

  /** The newest fold, whatever is shown. */
  get live(): Fold {
    return this.#live
  }

  get place(): ReadonlySignal<number | undefined> {
    return this.#place
  }

  /** Number of events that a replay can show. */
  get keptCount(): number {
    return this.#kept.length
  }

  /** The time of a kept event, ms since 1970. */
  timeAt(place: number): number {
    const { event } = this.#kept[Math.max(0, Math.min(place, this.#kept.length) - 1)] ?? {}
    return event === undefined ? Number.NaN : Date.parse(event.data.timestamp)
  }

  /** Takes an event in; it is applied before the next frame. */
  push(placed: PlacedEvent): void {
    this.#waiting.push(placed)
    this.#schedule()
  }

  /**
   * Resolves after the next events have been applied: reading stops while the page cannot keep up.
   * @param max number of events from which on it waits
   */
  room(max: number = MAX_WAITING): Promise<void> | undefined {
    if (this.#waiting.length < max) return undefined
    return new Promise(resolve => this.#wake.push(resolve))
  }

  /** Shows the first `place` events; `undefined` for all, live. */
  show(place: number | undefined): void {
    this.#place.value = place === undefined ? undefined : Math.max(0, Math.min(place, this.#kept.length))
    this.#schedule()
  }

  close(): void {
    this.#cancelFrame?.()
    this.#waiting = []
    for (const resolve of this.#wake.splice(0)) resolve()
  }

  #schedule(): void {
    this.#cancelFrame ??= nextFrame(() => {
      this.#cancelFrame = undefined
      this.#flush()
    })
  }

  #flush(): void {
    const until = performance.now() + (this.#waiting.length > MANY ? CATCH_UP_MS : FRAME_BUDGET_MS)
    let at = 0
    while (at < this.#waiting.length && (at % STEP !== 0 || performance.now() < until)) {
      const placed = this.#waiting[at++] as PlacedEvent
      this.#keep(placed)
      this.#live.apply(placed)
    }
    this.#waiting = at === this.#waiting.length ? [] : this.#waiting.slice(at)
    this.#seek(until)
    this.version.value += 1
    if (this.#waiting.length > 0) this.#schedule()
    for (const resolve of this.#wake.splice(0)) resolve()
  }

  #keep(placed: PlacedEvent): void {
    if (placed.event.type === 'snapshot') {
      // It replaces all that came before.
      this.#kept.length = 0
      this.#live = new Fold(this.executionId)
    }
    if (this.#kept.length < MAX_KEPT) this.#kept.push(placed)
    else this.isReplayCut = true
  }

  /** Moves the past to its place, a frame's share at a time; backwards it begins anew. */
  #seek(until: number): void {
    const place = this.#place.peek()
    if (place === undefined) {
      this.#past = undefined
      return
    }
    if (this.#past === undefined || this.#past.count > place)
      this.#past = { fold: new Fold(this.executionId), count: 0 }
    const past = this.#past
    while (past.count < place && (past.count % STEP !== 0 || performance.now() < until)) {
      past.fold.apply(this.#kept[past.count++] as PlacedEvent)
    }
    if (past.count < place) this.#schedule()
  }
}
