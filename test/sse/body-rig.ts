import { LogEntry } from '../../src/events/log-entry.ts'
import { encodeEntry } from '../../src/sse/encode.ts'
import { createEventBody, type EventBodyOptions } from '../../src/sse/response-body.ts'
import type { EntrySource } from '../../src/log/entry-source.ts'
import { FakeClock } from '../support/fake-clock.ts'

export const timestamp = '2026-01-01T00:00:00.000Z'
export const COMMENT = ':\n\n'

export function entry(seq: number): LogEntry {
  const data = { executionId: 'x', timestamp, taskId: 'a', attempt: 1, text: 'x' }
  return new LogEntry(seq, 'token', data)
}

export function entries(from: number, to: number): LogEntry[] {
  return Array.from({ length: to - from + 1 }, (_, index) => entry(from + index))
}

export function frames(from: number, to: number): string {
  return entries(from, to).map(encodeEntry).join('')
}

/** A source that the test fills, and that counts what is done to it. */
export class ControlledSource implements EntrySource {
  taken = 0
  closed = 0
  callback: (() => void) | undefined
  done = false
  /** What the next `take` does instead. */
  next: (() => Promise<readonly LogEntry[]>) | undefined
  readonly #pending: LogEntry[] = []

  push(...added: LogEntry[]): void {
    this.#pending.push(...added)
    this.#tell()
  }

  end(): void {
    this.done = true
    this.#tell()
  }

  take(maxBytes: number): readonly LogEntry[] | Promise<readonly LogEntry[]> {
    this.taken += 1
    const { next } = this
    this.next = undefined
    if (next) return next()
    let bytes = 0
    let count = 0
    for (const { weight } of this.#pending) {
      if (count > 0 && bytes + weight > maxBytes) break
      bytes += weight
      count += 1
    }
    return this.#pending.splice(0, count)
  }

  onReadable(callback: (() => void) | undefined): void {
    this.callback = callback
  }

  close(): void {
    this.closed += 1
  }

  #tell(): void {
    const { callback } = this
    this.callback = undefined
    callback?.()
  }
}

/** What a store will answer, when the test says so. */
export function deferred(): {
  readonly promise: Promise<readonly LogEntry[]>
  readonly resolve: (entries: readonly LogEntry[]) => void
  readonly reject: (error: unknown) => void
} {
  let resolve!: (entries: readonly LogEntry[]) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<readonly LogEntry[]>((...settle) => ([resolve, reject] = settle))
  return { promise, resolve, reject }
}

export interface Rig {
  readonly source: ControlledSource
  readonly clock: FakeClock
  readonly reader: ReadableStreamDefaultReader<Uint8Array>
  /** The next chunk's text; `undefined` at the end. */
  readonly read: () => Promise<string | undefined>
}

/** A body over a source and a clock that the test holds in its hand. */
export function rig(options: Partial<EventBodyOptions> = {}): Rig {
  const source = new ControlledSource()
  const clock = new FakeClock()
  const reader = createEventBody(source, { executionId: 'x', clock, ...options }).getReader()
  const read = async (): Promise<string | undefined> => {
    const { done, value } = await reader.read()
    return done ? undefined : new TextDecoder().decode(value)
  }
  return { source, clock, reader, read }
}

/** A rig whose first comment has been read already. */
export async function startedRig(options?: Partial<EventBodyOptions>): Promise<Rig> {
  const started = rig(options)
  await started.read()
  return started
}
