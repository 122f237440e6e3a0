import { afterTurn, type Clock, isTurnSpent, systemClock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { EntrySource } from '../log/entry-source.ts'
import type { ChunkSource } from '../sse/pull-body.ts'
import type { ProtocolEncoder } from './protocol-encoder.ts'

/** Least time between two chunks of a reader that follows live, ms: what happens meanwhile is joined. */
export const CHUNK_INTERVAL_MS = 50

/** Approximate size of the entries of a chunk, bytes. */
const MAX_CHUNK_BYTES = 64 * 1024

/** What a body needs beside its entries. */
export interface ProtocolChunksOptions {
  readonly clock?: Clock
  /** Whether the execution waits only for people, as of the last entry. @defaultValue never */
  readonly isPaused?: () => boolean
  /** Registers a callback for changes of `isPaused`. @returns removes it; idempotent */
  readonly onPause?: (callback: () => void) => () => void
}

const encoder = new TextEncoder()

/**
 * The frames of a protocol as chunks: at most one per `CHUNK_INTERVAL_MS`, except while a reader catches up.
 *
 * A source that ends before the protocol does is a failure: clients take the end of a body for success.
 */
export class ProtocolChunks implements ChunkSource {
  readonly #source: EntrySource
  readonly #encoder: ProtocolEncoder
  readonly #clock: Clock
  readonly #isPaused: () => boolean
  readonly #stopWatching: () => void
  #callback: (() => void) | undefined
  #nextAt = Number.NEGATIVE_INFINITY
  #stopWaiting: (() => void) | undefined

  constructor(
    source: EntrySource,
    protocol: ProtocolEncoder,
    { clock = systemClock, isPaused = () => false, onPause }: ProtocolChunksOptions = {},
  ) {
    this.#source = source
    this.#encoder = protocol
    this.#clock = clock
    this.#isPaused = isPaused
    this.#stopWatching = onPause?.(() => this.#wake()) ?? (() => {})
  }

  get done(): boolean {
    return this.#encoder.isOver
  }

  take(): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    if (this.#encoder.isOver) return undefined
    const delayMs = this.#nextAt - this.#clock.now()
    if (delayMs > 0) {
      this.#stopWaiting ??= this.#clock.after(delayMs, () => this.#wake())
      return undefined
    }
    const taken = this.#source.take(MAX_CHUNK_BYTES)
    return taken instanceof Promise ? taken.then(entries => this.#encode(entries)) : this.#encode(taken)
  }

  onReadable(callback: (() => void) | undefined): void {
    this.#callback = callback
    this.#source.onReadable(callback === undefined ? undefined : this.#onSource)
  }

  close(): void {
    this.#callback = undefined
    this.#stopWaiting?.()
    this.#stopWatching()
    this.#source.close()
  }

  #encode(entries: readonly LogEntry[]): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    let frames = entries.length === 0 ? '' : this.#encoder.encode(entries)
    if (entries.length === 0 && !this.#encoder.isOver) {
      if (this.#source.done) throw new DagstreamError('STREAM_CLOSED', 'The events ended before the execution did')
      if (this.#isPaused()) frames = this.#encoder.pause()
    }
    if (frames === '') {
      if (entries.length === 0) return undefined
      // A replay may fold a whole log into its last state.
      return isTurnSpent() ? new Promise<void>(afterTurn).then(() => this.take()) : this.take()
    }
    if (isDrained(entries)) this.#nextAt = this.#clock.now() + CHUNK_INTERVAL_MS
    return encoder.encode(frames)
  }

  readonly #onSource = (): void => {
    // The timer wakes the reader: until then more entries come.
    if (this.#stopWaiting === undefined) this.#wake()
  }

  #wake(): void {
    this.#stopWaiting?.()
    this.#stopWaiting = undefined
    const callback = this.#callback
    this.#callback = undefined
    callback?.()
  }
}

/** Whether the reader has probably taken all that there is. */
function isDrained(entries: readonly LogEntry[]): boolean {
  let bytes = 0
  for (let at = 0; at < entries.length; at++) bytes += (entries[at] as LogEntry).weight
  return bytes < MAX_CHUNK_BYTES
}
