import { CLOCK_METHODS, type Clock, systemClock } from '../clock.ts'
import { expectMethods, expectObject, invalidOption } from '../errors.ts'
import type {
  StreamEvent,
  StreamEventFor,
  StreamEventInput,
  StreamEventType,
  StreamListener,
  StreamMetrics,
} from './stream-event.ts'
import { StreamHub, type StreamLogger } from './stream-hub.ts'
import { StreamMeter } from './stream-meter.ts'
import { TextJoiner } from '../text.ts'

/** Options of a streamer. */
export interface SSEStreamerOptions {
  /** Number of recent events to keep, 0–100,000. @defaultValue 0 */
  readonly historySize?: number
  /** Receives failures of listeners. @defaultValue `console` */
  readonly logger?: StreamLogger
  readonly clock?: Clock
}

const TYPES: ReadonlySet<string> = new Set<StreamEventType>(['token', 'complete', 'error', 'metrics', 'info', 'custom'])

/** Maximum number of metered streams; beyond it the oldest meter is evicted. */
const MAX_STREAMS = 1000

const MAX_HISTORY = 100_000

/** State that all views of one streamer share. */
interface Shared {
  readonly hub: StreamHub
  readonly clock: Clock
  /** Meters of the streams that have not ended, by stream. */
  readonly meters: Map<string | undefined, StreamMeter>
  /** Joiners of the streams whose last token ended inside a surrogate pair, by stream. */
  readonly halves: Map<string | undefined, TextJoiner>
}

/**
 * An in-process event bus between producers of text and its viewers.
 *
 * Each call emits one event, delivered to every listener before the call returns, in the same order for all; listeners are not
 * awaited. Only half of a surrogate pair at the end of a token waits for the next token of its stream; unpaired halves become
 * U+FFFD. The promises resolve when the event has been delivered and never reject: values that are not text are converted.
 */
export class SSEStreamer {
  #shared: Shared
  #streamId: string | undefined

  /** @throws `INVALID_OPTION` */
  constructor(options: SSEStreamerOptions = {}) {
    const { historySize = 0, logger = console, clock = systemClock } = expectObject('options', options)
    if (!Number.isInteger(historySize) || historySize < 0 || historySize > MAX_HISTORY) {
      throw invalidOption('historySize', `an integer from 0 to ${MAX_HISTORY}`, historySize)
    }
    expectMethods('logger', logger, ['warn'])
    expectMethods('clock', clock, CLOCK_METHODS)
    this.#shared = { hub: new StreamHub(historySize, logger), clock, meters: new Map(), halves: new Map() }
  }

  /** Emits a token of text. */
  async streamToken(token: string): Promise<void> {
    this.#meter().add(this.#shared.clock.now())
    const text = this.#join(toText(token), this.#streamId)
    if (text !== undefined) this.#send('token', text)
  }

  /** Ends the stream successfully. Missing metrics are taken from `updateMetrics`, else measured. */
  async streamComplete(finalResponse: string, metrics: Partial<StreamMetrics> = {}): Promise<void> {
    this.#endText()
    const measured = this.#meter().measure(metrics, this.#shared.clock.now())
    this.#shared.meters.delete(this.#streamId)
    this.#send(
      'complete',
      Object.freeze({ response: toText(finalResponse).toWellFormed(), metrics: Object.freeze(measured) }),
    )
  }

  /** Ends the stream with an error. */
  async streamError(error: unknown): Promise<void> {
    this.#endText()
    this.#shared.meters.delete(this.#streamId)
    this.#send('error', Object.freeze(describeError(error)))
  }

  /** Emits a message for people. */
  async streamInfo(message: string): Promise<void> {
    this.#send('info', Object.freeze({ message: toText(message).toWellFormed() }))
  }

  /** Reports the stream's speed; absent values keep their last reported value. */
  updateMetrics(ttft?: number, tokensPerSec?: number): void {
    this.#send('metrics', Object.freeze(this.#meter().tell(ttft, tokensPerSec)))
  }

  /** Restarts the measurement and discards reported values. */
  clearMetrics(): void {
    this.#shared.meters.delete(this.#streamId)
    this.#meter()
  }

  /**
   * Calls `listener` for each later event, of `types` or of all; on a stream view, for that stream only. Subscribing the same
   * listener again replaces its subscription.
   * @returns an idempotent function that unsubscribes it
   * @throws `INVALID_OPTION`
   */
  subscribe(listener: StreamListener, options: { readonly types?: readonly StreamEventType[] } = {}): () => void {
    if (typeof listener !== 'function') throw invalidOption('listener', 'a function', listener)
    const { types } = expectObject('options', options)
    if (types !== undefined && !(Array.isArray(types) && types.every(type => TYPES.has(type)))) {
      throw invalidOption('types', `an array of ${[...TYPES].join(', ')}`, types)
    }
    return this.#shared.hub.subscribe(listener, types, this.#streamId)
  }

  /** Removes the listener: on a stream view for that stream, else for all. */
  unsubscribe(listener: StreamListener): void {
    this.#shared.hub.unsubscribe(listener, this.#streamId)
  }

  /** Delivers any event, such as a `custom` one or one of another streamer. @throws `INVALID_OPTION` for a malformed event */
  emit(name: 'stream-event', event: StreamEventInput): void {
    checkName(name)
    if (!TYPES.has(expectObject('event', event).type))
      throw invalidOption('type', `one of ${[...TYPES].join(', ')}`, event.type)
    const place = this.#streamId === undefined ? {} : { streamId: this.#streamId }
    const sent: StreamEvent = { timestamp: this.#shared.clock.wallTime(), ...event, ...place }
    if (sent.type !== 'token' || typeof sent.data !== 'string') return this.#deliver(sent)
    const data = this.#join(sent.data, sent.streamId)
    if (data !== undefined) this.#deliver({ ...sent, data })
  }

  /** The same as `subscribe`. */
  on(name: 'stream-event', listener: StreamListener): this {
    checkName(name)
    this.subscribe(listener)
    return this
  }

  /** The same as `unsubscribe`. */
  off(name: 'stream-event', listener: StreamListener): this {
    checkName(name)
    this.unsubscribe(listener)
    return this
  }

  /**
   * A view of the same bus for one stream: its events carry `streamId`, are metered separately, and are the only ones delivered
   * here. The meter starts now, unless it is already running.
   */
  forStream(streamId: string): SSEStreamer {
    const view = new SSEStreamer()
    view.#shared = this.#shared
    view.#streamId = streamId
    view.#meter()
    return view
  }

  /** The last events, oldest first; empty unless `historySize` was given. */
  get history(): readonly StreamEvent[] {
    return this.#shared.hub.history(this.#streamId)
  }

  /** Number of listeners of all streams together. */
  get listenerCount(): number {
    return this.#shared.hub.listenerCount
  }

  #send<Type extends StreamEventType>(type: Type, data: StreamEventFor<Type>['data']): void {
    const timestamp = this.#shared.clock.wallTime()
    const streamId = this.#streamId
    this.#deliver({ type, data, timestamp, ...(streamId !== undefined && { streamId }) } as StreamEvent)
  }

  #deliver(event: StreamEvent): void {
    // Frozen, since all listeners share one event.
    this.#shared.hub.emit(Object.freeze(event))
  }

  /** The token to send; `undefined` if all of it waits for the next one. */
  #join(token: string, streamId: string | undefined): string | undefined {
    const { halves } = this.#shared
    const joiner = halves.get(streamId) ?? new TextJoiner()
    const text = joiner.add(token)
    if (!joiner.isWaiting) halves.delete(streamId)
    else if (halves.size < MAX_STREAMS || halves.has(streamId)) halves.set(streamId, joiner)
    else return text + joiner.end()
    return text === '' && token !== '' ? undefined : text
  }

  /** Flushes the held half of a surrogate pair at the end of a stream. */
  #endText(): void {
    const half = this.#shared.halves.get(this.#streamId)
    if (half === undefined) return
    this.#shared.halves.delete(this.#streamId)
    this.#send('token', half.end())
  }

  #meter(): StreamMeter {
    const { meters, clock } = this.#shared
    const known = meters.get(this.#streamId)
    if (known !== undefined) return known
    if (meters.size >= MAX_STREAMS) {
      for (const oldest of meters.keys()) {
        meters.delete(oldest)
        break
      }
    }
    const meter = new StreamMeter(clock.now())
    meters.set(this.#streamId, meter)
    return meter
  }
}

/** The default instance, shared across a program. */
export const sseStreamer: SSEStreamer = new SSEStreamer()

function checkName(name: string): void {
  if (name !== 'stream-event') throw invalidOption('name', '`stream-event`', name)
}

/** Converts a value as `emitToken` does; absent or unconvertible values become `''`. */
function toText(text: string): string {
  if (typeof text === 'string') return text
  try {
    return String(text ?? '')
  } catch {
    // An object without `toString`, or one that throws.
    return ''
  }
}

function describeError(error: unknown): StreamEventFor<'error'>['data'] {
  try {
    if (typeof error === 'string') return { message: error.toWellFormed() }
    const { message, stack } = error as { message?: unknown; stack?: unknown }
    const text = typeof message === 'string' && message !== '' ? message : 'Unknown error'
    return { message: text.toWellFormed(), ...(typeof stack === 'string' && { stack: stack.toWellFormed() }) }
  } catch {
    // The error is absent, or reading it throws.
    return { message: 'Unknown error' }
  }
}
