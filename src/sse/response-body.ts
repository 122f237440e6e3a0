import { systemClock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { ErrorEvent } from '../events/events.ts'
import { LogEntry, NOT_LOGGED } from '../events/log-entry.ts'
import type { EntrySource } from '../log/entry-source.ts'
import { encodeComment, encodeEntry } from './encode.ts'
import { defaultFormat, type Format } from './formats.ts'
import { createBodyStream } from './body-stream.ts'
import { type ChunkSource, PullBody, type PullBodyOptions } from './pull-body.ts'

/** Options of an event body. */
export interface EventBodyOptions
  extends Pick<PullBodyOptions, 'heartbeatMs' | 'stallTimeoutMs' | 'clock' | 'onClose'> {
  /** The execution of the entries, named in the `error` event. */
  readonly executionId: string
  /** @defaultValue `defaultFormat` */
  readonly format?: Format
  /** Approximate chunk size, bytes; a larger entry forms a chunk of its own. @defaultValue 64 KiB */
  readonly maxChunkBytes?: number
  /** Joins entries to a chunk, for readers that share frames. @defaultValue encodes each chunk */
  readonly join?: (entries: readonly LogEntry[]) => Uint8Array
  /**
   * Takes the next chunk past the source, if its frames are encoded already, and moves the source behind them. Used only
   * with the default format. @defaultValue none
   */
  readonly takeEncoded?: () => Uint8Array | undefined
  /** Receives the cause of a failed source, which the reader never sees. @returns a reference that the reader may see */
  readonly onError?: (error: unknown) => string | undefined
}

/**
 * The body of a streaming response: pulls from a source when the reader asks.
 *
 * The first chunk is a comment, available at once, so that headers are flushed. Each later chunk holds the pending entries, up
 * to `maxChunkBytes`. While nothing is pending it waits and sends a comment every `heartbeatMs`. It ends with the source.
 *
 * If the source fails, the stream sends an `error` event with a generic text and ends without failing.
 */
export function createEventBody(source: EntrySource, options: EventBodyOptions): ReadableStream<Uint8Array> {
  const chunks = new EventChunks(source, options)
  const body = new PullBody(chunks, {
    ...options,
    first: COMMENT,
    heartbeat: COMMENT,
    onError: error => chunks.encodeError(error, options.onError?.(error)),
  })
  return createBodyStream(body)
}

/** The entries of a source in dagstream's own format, as one chunk. */
export function joinEntries(entries: readonly LogEntry[]): Uint8Array {
  return joinAs(encodeEntry, entries)
}

const DEFAULT_MAX_CHUNK_BYTES = 64 * 1024
const GENERIC_ERROR = 'The event stream was interrupted; resume it from the last event id'

const encoder = new TextEncoder()
const COMMENT = encoder.encode(encodeComment(''))

class EventChunks implements ChunkSource {
  readonly #source: EntrySource
  readonly #options: EventBodyOptions
  readonly #join: (entries: readonly LogEntry[]) => Uint8Array
  readonly #takeEncoded: (() => Uint8Array | undefined) | undefined

  constructor(source: EntrySource, options: EventBodyOptions) {
    this.#source = source
    this.#options = options
    const { format = defaultFormat, join = joinEntries, takeEncoded } = options
    const isDefault = format === defaultFormat
    this.#join = isDefault ? join : entries => joinAs(entry => format(entry.toEvent()), entries)
    this.#takeEncoded = isDefault ? takeEncoded : undefined
  }

  get done(): boolean {
    return this.#source.done
  }

  take(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    for (;;) {
      const encoded = this.#takeEncoded?.()
      if (encoded !== undefined) return encoded
      const taken = this.#source.take(this.#options.maxChunkBytes ?? DEFAULT_MAX_CHUNK_BYTES)
      if (taken instanceof Promise) return this.#takeLater(taken)
      if (taken.length === 0) return undefined
      const chunk = this.#join(taken)
      // A format may map an entry to nothing.
      if (chunk.length > 0) return chunk
    }
  }

  onReadable(callback: (() => void) | undefined): void {
    this.#source.onReadable(callback)
  }

  close(): void {
    this.#source.close()
  }

  /** Falls back to dagstream's own format: the one that failed may fail again. */
  encodeError(error: unknown, reference: string | undefined): Uint8Array {
    const entry = this.#buildErrorEntry(error, reference)
    try {
      return this.#join([entry])
    } catch {
      return joinEntries([entry])
    }
  }

  async #takeLater(taken: Promise<readonly LogEntry[]>): Promise<Uint8Array | undefined> {
    const entries = await taken
    if (entries.length === 0) return undefined
    const chunk = this.#join(entries)
    return chunk.length > 0 ? chunk : this.take()
  }

  /** The text of an unknown error never leaves the process; only dagstream's own codes do. */
  #buildErrorEntry(error: unknown, reference: string | undefined): LogEntry {
    const { executionId, clock = systemClock } = this.#options
    const code = error instanceof DagstreamError ? error.code : 'INTERNAL_ERROR'
    const timestamp = new Date(clock.wallTime()).toISOString()
    const text = reference === undefined ? GENERIC_ERROR : `${GENERIC_ERROR} (reference ${reference})`
    const data: ErrorEvent['data'] = { executionId, timestamp, error: text, code }
    return new LogEntry(NOT_LOGGED, 'error', data)
  }
}

function joinAs(format: (entry: LogEntry) => string, entries: readonly LogEntry[]): Uint8Array {
  let frames = ''
  for (let at = 0; at < entries.length; at++) frames += format(entries[at] as LogEntry)
  return encoder.encode(frames)
}
