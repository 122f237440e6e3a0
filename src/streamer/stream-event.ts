interface StreamEventOf<Type extends string, Data> {
  readonly type: Type
  readonly data: Data
  /** When it was emitted, ms since 1970. */
  readonly timestamp: number
  /** The stream it belongs to, where there is more than one. */
  readonly streamId?: string
}

/** How a stream went; ms, and tokens per second after the first. */
export interface StreamMetrics {
  /** From the beginning of the stream to its first token, ms. */
  readonly ttft: number
  /** From its beginning to its end, ms. */
  readonly totalTime: number
  /** Calls of `streamToken`. */
  readonly tokens: number
  /** Tokens after the first, over the seconds between the first and the last; 0 where that is not defined. */
  readonly tokensPerSec: number
}

/** What goes over an `SSEStreamer`. */
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

/** An event as `emit` takes it: it gets its time, and its stream, where it has none. */
export type StreamEventInput = StreamEvent extends infer Event
  ? Event extends StreamEvent
    ? Omit<Event, 'timestamp'> & { readonly timestamp?: number }
    : never
  : never

/** Takes events, one at a time. What it returns is not waited for; what it throws hurts nobody else. */
export type StreamListener = (event: StreamEvent) => unknown
