interface StreamEventOf<Type extends string, Data> {
  readonly type: Type
  readonly data: Data
  /** Time of emission, ms since 1970. */
  readonly timestamp: number
  /** The stream of the event; absent on the default stream. */
  readonly streamId?: string
}

/** Metrics of a stream. */
export interface StreamMetrics {
  /** Time from the start of the stream to its first token, ms. */
  readonly ttft: number
  /** Time from start to end, ms. */
  readonly totalTime: number
  /** Number of `streamToken` calls. */
  readonly tokens: number
  /** Tokens after the first, divided by the seconds between the first and the last; 0 where undefined. */
  readonly tokensPerSec: number
}

/** An event of an `SSEStreamer`. */
export type StreamEvent =
  | StreamEventOf<'token', string>
  | StreamEventOf<'complete', { readonly response: string; readonly metrics: StreamMetrics }>
  | StreamEventOf<'error', { readonly message: string; readonly stack?: string }>
  | StreamEventOf<'metrics', { readonly ttft?: number; readonly tokensPerSec?: number }>
  | StreamEventOf<'info', { readonly message: string }>
  | StreamEventOf<'custom', unknown>

/** The name of a stream event's type. */
export type StreamEventType = StreamEvent['type']

/** The stream event of one type. */
export type StreamEventFor<Type extends StreamEventType> = Extract<StreamEvent, { type: Type }>

/** Input of `emit`: a missing time or stream is filled in. */
export type StreamEventInput = StreamEvent extends infer Event
  ? Event extends StreamEvent
    ? Omit<Event, 'timestamp'> & { readonly timestamp?: number }
    : never
  : never

/** Receives events, one at a time. It is not awaited, and its failures do not affect other listeners. */
export type StreamListener = (event: StreamEvent) => unknown
