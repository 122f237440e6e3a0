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

/** How a streamer is set up. */
export interface SSEStreamerOptions {
  /** How many of the last events are kept, 0–100,000. @defaultValue 0 */
  readonly historySize?: number
  /** Hears of listeners that fail. @defaultValue `console` */
  readonly logger?: StreamLogger
  readonly clock?: Clock
}

const TYPES: ReadonlySet<string> = new Set<StreamEventType>(['token', 'complete', 'error', 'metrics', 'info', 'custom'])

/** Streams whose pace is kept at once; beyond, that of the oldest is forgotten. */
const MAX_STREAMS = 1000

const MAX_HISTORY = 100_000

/** What all views of one streamer share. */
interface Shared {
  readonly hub: StreamHub
  readonly clock: Clock
  /** By stream; those that have not ended. */
  readonly meters: Map<string | undefined, StreamMeter>
  /** By stream; those whose last token ended with half of a character. */
  readonly halves: Map<string | undefined, TextJoiner>
}

/**
 * A bus within this process, from whoever makes text to whoever shows it.
 *
 * Each call is one event, delivered to every listener before the call returns, in one order for all; nothing waits for a
 * listener. Only half of a character at the end of a token waits for the next token of its stream; halves that stay alone
 * become U+FFFD. The promises resolve when the event has been delivered and never reject: what is to be text
 * and is none is made one.
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

  /** A piece of text. */
  async streamToken(token: string): Promise<void> {
    this.#meter().add(this.#shared.clock.now())
    const text = this.#join(toText(token), this.#streamId)
    if (text !== undefined) this.#send('token', text)
  }

  /** The stream has ended well. Of the metrics, what is not given is what was measured, or told by `updateMetrics`. */
  async streamComplete(finalResponse: string, metrics: Partial<StreamMetrics> = {}): Promise<void> {
    this.#endText()
    const measured = this.#meter().measure(metrics, this.#shared.clock.now())
    this.#shared.meters.delete(this.#streamId)
    this.#send(
      'complete',
      Object.freeze({ response: toText(finalResponse).toWellFormed(), metrics: Object.freeze(measured) }),
    )
  }

  /** The stream has failed. */
  async streamError(error: unknown): Promise<void> {
    this.#endText()
    this.#shared.meters.delete(this.#streamId)
    this.#send('error', Object.freeze(describeError(error)))
  }

  /** A word for people. */
  async streamInfo(message: string): Promise<void> {
    this.#send('info', Object.freeze({ message: toText(message).toWellFormed() }))
  }

  /** Tells how fast the stream is; what is not given stays as it was told before. */
  updateMetrics(ttft?: number, tokensPerSec?: number): void {
    this.#send('metrics', Object.freeze(this.#meter().tell(ttft, tokensPerSec)))
  }

  /** Begins to measure anew, and forgets what was told. */
  clearMetrics(): void {
    this.#shared.meters.delete(this.#streamId)
    this.#meter()
  }

  /**
   * Calls `listener` for each event from now on, of `types` or of all; of this stream alone, if this is one.
   * The same listener again takes its own place.
   * @returns what unsubscribes it; harmless to repeat
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

  /** From now on the listener is not called: on a stream for that stream, else for none. */
  unsubscribe(listener: StreamListener): void {
    this.#shared.hub.unsubscribe(listener, this.#streamId)
  }

  /** Delivers any event: `custom` ones, or what another streamer gave. @throws `INVALID_OPTION` for what is no event */
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
   * The same bus, seen from one stream: what is sent here carries `streamId`, is measured for itself, and is all that is
   * heard here. Its time begins now, unless it has begun.
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

  /** Listeners of all streams together: 0 when everybody has unsubscribed. */
  get listenerCount(): number {
    return this.#shared.hub.listenerCount
  }

  #send<Type extends StreamEventType>(type: Type, data: StreamEventFor<Type>['data']): void {
    const timestamp = this.#shared.clock.wallTime()
    const streamId = this.#streamId
    this.#deliver({ type, data, timestamp, ...(streamId !== undefined && { streamId }) } as StreamEvent)
  }

  #deliver(event: StreamEvent): void {
    // One event for all listeners: none can change what the next one sees.
    this.#shared.hub.emit(Object.freeze(event))
  }

  /** A token as it is sent; `undefined` if all of it waits for the next one. */
  #join(token: string, streamId: string | undefined): string | undefined {
    const { halves } = this.#shared
    const joiner = halves.get(streamId) ?? new TextJoiner()
    const text = joiner.add(token)
    if (!joiner.isWaiting) halves.delete(streamId)
    else if (halves.size < MAX_STREAMS || halves.has(streamId)) halves.set(streamId, joiner)
    else return text + joiner.end()
    return text === '' && token !== '' ? undefined : text
  }

  /** No token follows in this stream: what of its text has waited is sent. */
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

/** The one that a program's parts share without being handed it. */
export const sseStreamer: SSEStreamer = new SSEStreamer()

function checkName(name: string): void {
  if (name !== 'stream-event') throw invalidOption('name', '`stream-event`', name)
}

/** As a tool's `emitToken` takes it; what is absent, or cannot be made text, is none. */
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
    // There is no error, or reading it throws.
    return { message: 'Unknown error' }
  }
}
