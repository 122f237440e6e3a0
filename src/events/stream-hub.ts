import type { StreamEvent, StreamEventType, StreamListener } from './stream-event.ts'

/** Where a streamer says what is wrong: `console`, or a logger. */
export interface StreamLogger {
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
}

interface Subscription {
  readonly listener: StreamListener
  readonly types: ReadonlySet<StreamEventType> | undefined
  /** `undefined` for every stream. */
  readonly streamId: string | undefined
  isActive: boolean
  hasFailed: boolean
}

/** So many listeners look like some that were never unsubscribed. */
const MANY_LISTENERS = 1000

/** Listeners may emit; what they emit in answer to one event, and to those answers, ends here. */
const MAX_CASCADE = 10_000

/** Delivers events to listeners, at once and in one order for all, and keeps the last ones if asked to. */
export class StreamHub {
  readonly #logger: StreamLogger
  readonly #historySize: number
  #history: StreamEvent[] = []
  /** Replaced, never changed, so that a delivery that is under way keeps its own. */
  #subscriptions: readonly Subscription[] = []
  #hasWarned = false
  /** What is to be delivered after the event that is being delivered; `undefined` while none is. */
  #pending: StreamEvent[] | undefined

  constructor(historySize: number, logger: StreamLogger) {
    this.#historySize = historySize
    this.#logger = logger
  }

  get listenerCount(): number {
    return this.#subscriptions.length
  }

  /** The last events, oldest first, of one stream or of all. */
  history(streamId: string | undefined): StreamEvent[] {
    const last = this.#history.slice(-this.#historySize || this.#history.length)
    return streamId === undefined ? last : last.filter(event => event.streamId === streamId)
  }

  /** Takes the place of a subscription of the same listener to the same stream. @returns what ends it; harmless to repeat */
  subscribe(
    listener: StreamListener,
    types: readonly StreamEventType[] | undefined,
    streamId: string | undefined,
  ): () => void {
    const subscription = { listener, types: types && new Set(types), streamId, isActive: true, hasFailed: false }
    this.#remove(each => each.listener === listener && each.streamId === streamId)
    this.#subscriptions = [...this.#subscriptions, subscription]
    if (this.#subscriptions.length > MANY_LISTENERS && !this.#hasWarned) {
      this.#hasWarned = true
      this.#warn(`More than ${MANY_LISTENERS} listeners: are they unsubscribed when they are done?`)
    }
    return () => this.#remove(each => each === subscription)
  }

  /** It is not called any more, not even for an event that is being delivered. */
  unsubscribe(listener: StreamListener, streamId: string | undefined): void {
    this.#remove(each => each.listener === listener && (streamId === undefined || each.streamId === streamId))
  }

  /** Delivers an event before it returns; from within a listener, after the event that is being delivered. */
  emit(event: StreamEvent): void {
    if (this.#pending !== undefined) {
      if (this.#pending.length < MAX_CASCADE) this.#pending.push(event)
      else if (this.#pending.length === MAX_CASCADE) this.#endCascade(event)
      return
    }
    const pending = [event]
    this.#pending = pending
    for (let index = 0; index < Math.min(pending.length, MAX_CASCADE); index++)
      this.#deliver(pending[index] as StreamEvent)
    this.#pending = undefined
  }

  #deliver(event: StreamEvent): void {
    this.#remember(event)
    for (const subscription of this.#subscriptions) {
      const { types, streamId } = subscription
      if (!subscription.isActive || (types !== undefined && !types.has(event.type))) continue
      if (streamId === undefined || streamId === event.streamId) this.#call(subscription, event)
    }
  }

  #call(subscription: Subscription, event: StreamEvent): void {
    try {
      const returned = subscription.listener(event)
      // Most return nothing, and a promise for each event would cost more than the event.
      if (typeof returned !== 'object' || returned === null) return
      Promise.resolve(returned).catch((error: unknown) => this.#reportFailure(subscription, error))
    } catch (error) {
      this.#reportFailure(subscription, error)
    }
  }

  /** One line a listener: one that fails may fail for each token. */
  #reportFailure(subscription: Subscription, error: unknown): void {
    if (subscription.hasFailed) return
    subscription.hasFailed = true
    this.#warn('A listener of a stream failed; further failures of it are not told', { error })
  }

  #endCascade(event: StreamEvent): void {
    this.#pending?.push(event)
    this.#warn(`Listeners answered one event with more than ${MAX_CASCADE}; the rest is dropped`)
  }

  #warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    try {
      this.#logger.warn(message, fields)
    } catch {
      // There is nowhere to tell it.
    }
  }

  #remember(event: StreamEvent): void {
    if (this.#historySize === 0) return
    this.#history.push(event)
    // Cut when it is twice as long, so that an event costs no copy of all others.
    if (this.#history.length >= this.#historySize * 2) this.#history = this.#history.slice(-this.#historySize)
  }

  #remove(isMeant: (subscription: Subscription) => boolean): void {
    const removed = this.#subscriptions.filter(isMeant)
    if (removed.length === 0) return
    for (const subscription of removed) subscription.isActive = false
    this.#subscriptions = this.#subscriptions.filter(({ isActive }) => isActive)
  }
}
