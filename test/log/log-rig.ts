import type { LogEntry } from '../../src/events/log-entry.ts'
import type { EntrySource } from '../../src/log/entry-source.ts'
import { EventLog, type LogStorage } from '../../src/log/event-log.ts'
import type { StoredEntry } from '../../src/log/stored-entry.ts'

export const TIMESTAMP = '2026-01-01T00:00:00.000Z'

/** A storage that keeps everything; `settle` lets appends that wait settle when it is asynchronous. */
export class FakeStorage implements Pick<LogStorage, 'append' | 'read'> {
  readonly entries: StoredEntry[] = []
  readonly reads: { afterSeq: number; limit: number }[] = []
  isLater = false
  readonly #waiting: (() => void)[] = []

  append(_: unknown, _firstSeq: number, entries: readonly LogEntry[]): void | Promise<void> {
    const keep = (): void => {
      for (const { seq, type, json } of entries) this.entries.push({ seq, type, json })
    }
    if (!this.isLater) return keep()
    keep()
    return new Promise(resolve => this.#waiting.push(resolve))
  }

  read(_: string, afterSeq: number, limit: number): StoredEntry[] | Promise<StoredEntry[]> {
    this.reads.push({ afterSeq, limit })
    const page = this.entries.slice(afterSeq, afterSeq + limit)
    return this.isLater ? new Promise(resolve => setImmediate(() => resolve(page))) : page
  }

  settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }
}

/** A log of execution `x` with the right to append. */
export function openLog(
  storage: Pick<LogStorage, 'append' | 'read'> = new FakeStorage(),
  bounds: { maxTailEvents?: number } = {},
): EventLog {
  const log = new EventLog(
    'x',
    Object.assign(storage, { putOutput() {}, getOutput: () => undefined, note() {} }),
    bounds,
  )
  log.begin({ executionId: 'x', epoch: 1 })
  return log
}

/** Appends `count` tokens. */
export function appendTokens(log: EventLog, count: number): void | Promise<void> {
  const data = { executionId: 'x', timestamp: TIMESTAMP, taskId: 'a', attempt: 1, text: 'word ' }
  return log.append(Array.from({ length: count }, () => log.entry('token', data)))
}

/** Appends the last event. */
export function appendEnd(log: EventLog): void | Promise<void> {
  const counts = { totalTasks: 0, successCount: 0, errorCount: 0, skippedCount: 0, cancelledCount: 0 }
  const times = { totalExecutionTimeMs: 0, speedup: 0, criticalPathMs: 0, parallelizationLayers: 0 }
  const data = { executionId: 'x', timestamp: TIMESTAMP, status: 'success', ...counts, ...times } as const
  return log.append([log.entry('execution_complete', data)])
}

/** Takes what can be had now, a chunk at a time. */
export async function takeAll(source: EntrySource, maxBytes = 1000): Promise<LogEntry[]> {
  const taken: LogEntry[] = []
  while (await takeSome(source, maxBytes, taken));
  return taken
}

/** A reader that takes whenever it can, until the source is done. */
export async function follow(source: EntrySource, maxBytes = 1000): Promise<LogEntry[]> {
  const taken: LogEntry[] = []
  for (;;) {
    const some = takeSome(source, maxBytes, taken)
    if (some === true || (some !== false && (await some))) continue
    if (source.done) return taken
    await new Promise<void>(resolve => source.onReadable(resolve))
  }
}

/** At once where the source answers at once, so that no turn passes between an empty answer and `onReadable`. */
function takeSome(source: EntrySource, maxBytes: number, taken: LogEntry[]): boolean | Promise<boolean> {
  const keep = (entries: readonly LogEntry[]): boolean => {
    taken.push(...entries)
    return entries.length > 0
  }
  const entries = source.take(maxBytes)
  return entries instanceof Promise ? entries.then(keep) : keep(entries)
}

/** Entries as `type:seq`; those without an id as their type. */
export function show(entries: readonly LogEntry[]): string[] {
  return entries.map(entry => (entry.toEvent().id === undefined ? entry.type : `${entry.type}:${entry.seq}`))
}

/** `token:from` to `token:to`. */
export function tokens(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, i) => `token:${from + i}`)
}
