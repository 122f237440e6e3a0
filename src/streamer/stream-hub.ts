import type { StreamEvent, StreamEventType, StreamListener } from './stream-event.ts'

/** Receives a streamer's warnings and errors: `console`, or a logger. */
export interface StreamLogger {
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
}

interface Subscription {
  readonly listener: StreamListener
  readonly types: ReadonlySet<StreamEventType> | undefined
  /** `undefined` for every stream. */
  readonly streamId: string | undefined
  /** Subscription number, increasing. */
  readonly number: number
  hasFailed: boolean
}

/** Listener count that suggests a leak. */
const MANY_LISTENERS = 1000

/** Maximum number of events that listeners may emit in response to one event, transitively. */
const MAX_CASCADE = 10_000

/** Delivers events to listeners synchronously, in the same order for all, with optional history. */
export class StreamHub {
  readonly #logger: StreamLogger
  readonly #historySize: number
  #history: StreamEvent[] = []
  /** In call order. A `Set` may be modified during iteration. */
  readonly #subscriptions = new Set<Subscription>()
  /** Index of the subscriptions: by listener, then by stream. */
  readonly #byListener = new Map<StreamListener, Map<string | undefined, Subscription>>()
  #subscribedCount = 0
  #hasWarned = false
  /** Events queued during a delivery; `undefined` outside of one. */
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

  /** Replaces a subscription of the same listener to the same stream. @returns an idempotent function that ends it */
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

  /** Removes a listener, effective even for the event that is being delivered. */
  unsubscribe(listener: StreamListener, streamId: string | undefined): void {
    const byStream = this.#byListener.get(listener)
    if (byStream === undefined) return
    const meant = streamId === undefined ? [...byStream.values()] : [byStream.get(streamId)]
    for (const subscription of meant) if (subscription !== undefined) this.#remove(subscription)
  }

  /** Delivers an event before returning; within a listener, queues it behind the current event. */
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
      // A listener that subscribes during a delivery receives the next event.
      if (number >= end) return
      if (types !== undefined && !types.has(event.type)) continue
      if (streamId === undefined || streamId === event.streamId) this.#call(subscription, event)
    }
  }

  #call(subscription: Subscription, event: StreamEvent): void {
    try {
      const returned = subscription.listener(event)
      // Fast path: most listeners return nothing, and a promise would cost more than the event.
      if (typeof returned !== 'object' || returned === null) return
      Promise.resolve(returned).catch((error: unknown) => this.#reportFailure(subscription, error))
    } catch (error) {
      this.#reportFailure(subscription, error)
    }
  }

  /** One log line per listener: a failing one may fail for every token. */
  #reportFailure(subscription: Subscription, error: unknown): void {
    if (subscription.hasFailed) return
    subscription.hasFailed = true
    this.#warn('A listener of a stream failed; its further failures are not logged', { error })
  }

  #endCascade(event: StreamEvent): void {
    this.#pending?.push(event)
    this.#warn(`Listeners emitted more than ${MAX_CASCADE} events in response to one; the rest is dropped`)
  }

  #warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    try {
      this.#logger.warn(message, fields)
    } catch {
      // The logger failed; no other channel is left.
    }
  }

  #remember(event: StreamEvent): void {
    if (this.#historySize === 0) return
    this.#history.push(event)
    // Truncated at twice the size, so that copying is amortized.
    if (this.#history.length >= this.#historySize * 2) this.#history = this.#history.slice(-this.#historySize)
  }

  /** Idempotent. */
  #remove(subscription: Subscription): void {
    if (!this.#subscriptions.delete(subscription)) return
    const { listener, streamId } = subscription
    const byStream = this.#byListener.get(listener)
    byStream?.delete(streamId)
    if (byStream?.size === 0) this.#byListener.delete(listener)
  }
}
