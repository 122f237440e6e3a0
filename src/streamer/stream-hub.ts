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
  /** Counts subscriptions: a later one has a greater number. */
  readonly number: number
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
  /** In the order in which they are called. A `Set` may lose and get members while it is gone through. */
  readonly #subscriptions = new Set<Subscription>()
  /** The same, to be found without looking at all of them: by listener, then by stream. */
  readonly #byListener = new Map<StreamListener, Map<string | undefined, Subscription>>()
  #subscribedCount = 0
  #hasWarned = false
  /** What is to be delivered after the event that is being delivered; `undefined` while none is. */
  #pending: StreamEvent[] | undefined

  constructor(historySize: number, logger: StreamLogger) {
    this.#historySize = historySize
    this.#logger = logger
  }

  get listenerCount(): number {
    return this.#subscriptions.size
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
    const number = this.#subscribedCount++
    const subscription = { listener, types: types && new Set(types), streamId, number, hasFailed: false }
    const before = this.#byListener.get(listener)?.get(streamId)
    if (before !== undefined) this.#remove(before)
    const byStream = this.#byListener.get(listener) ?? new Map<string | undefined, Subscription>()
    this.#byListener.set(listener, byStream.set(streamId, subscription))
    this.#subscriptions.add(subscription)
    if (this.#subscriptions.size > MANY_LISTENERS && !this.#hasWarned) {
      this.#hasWarned = true
      this.#warn(`More than ${MANY_LISTENERS} listeners: are they unsubscribed when they are done?`)
    }
    return () => this.#remove(subscription)
  }

  /** It is not called any more, not even for an event that is being delivered. */
  unsubscribe(listener: StreamListener, streamId: string | undefined): void {
    const byStream = this.#byListener.get(listener)
    if (byStream === undefined) return
    const meant = streamId === undefined ? [...byStream.values()] : [byStream.get(streamId)]
    for (const subscription of meant) if (subscription !== undefined) this.#remove(subscription)
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
    const end = this.#subscribedCount
    for (const subscription of this.#subscriptions) {
      const { types, streamId, number } = subscription
      // Whoever subscribes meanwhile hears the next event.
      if (number >= end) return
      if (types !== undefined && !types.has(event.type)) continue
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

  /** Harmless to repeat. */
  #remove(subscription: Subscription): void {
    if (!this.#subscriptions.delete(subscription)) return
    const { listener, streamId } = subscription
    const byStream = this.#byListener.get(listener)
    byStream?.delete(streamId)
    if (byStream?.size === 0) this.#byListener.delete(listener)
  }
}
