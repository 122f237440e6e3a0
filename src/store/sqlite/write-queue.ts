import { afterTurn, type Clock } from '../../clock.ts'
import { DagstreamError } from '../../errors.ts'
import { readResultCode, rollBack, SQLITE, type SqliteConnection } from './driver.ts'
import { toStoreError } from './store-error.ts'

/** Delay before the next attempt while another program locks the file, ms. */
const BUSY_PAUSE_MS = 25

/** Result codes that fail a single write: the other writes of its transaction are applied without it. */
const OWN_FAULTS: ReadonlySet<number> = new Set([
  SQLITE.CORRUPT,
  SQLITE.TOOBIG,
  SQLITE.CONSTRAINT,
  SQLITE.MISMATCH,
  SQLITE.RANGE,
])

interface Write {
  readonly apply: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

type Answer = { readonly value: unknown } | { readonly refusal: DagstreamError }

export interface WriteQueueOptions {
  readonly connection: SqliteConnection
  readonly file: string
  readonly clock: Clock
  readonly busyTimeoutMs: number
  /** Returns why no more writes are possible, if so. */
  readonly findFault: () => DagstreamError | undefined
  /** Cached state of the file may be stale. */
  readonly onRollback: () => void
}

/**
 * Groups all writes of one turn of the event loop into one transaction at its end, in the order of the calls.
 *
 * A promise settles when its write is committed or has failed for good. A transaction that cannot be committed is rolled
 * back and rejects all its writes; while the file is locked, it is retried without blocking the loop.
 */
export class WriteQueue {
  readonly #options: WriteQueueOptions
  #writes: Write[] = []
  /** Executions with pending writes. */
  readonly #touched = new Set<string>()
  #settled: Promise<void> | undefined
  #finish: () => void = () => {}
  #busySince: number | undefined
  #refusal: DagstreamError | undefined

  constructor(options: WriteQueueOptions) {
    this.#options = options
  }

  /**
   * Applies a write within the transaction of this turn. `apply` may run again after a rollback. A `DagstreamError`
   * that it throws rejects only this write, so it must be thrown before any change.
   * @param executionId the execution that it changes, for `settled`; `undefined` if no later read depends on it
   */
  write<T>(executionId: string | undefined, apply: () => T): Promise<T> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal)
    if (this.#settled === undefined) {
      this.#settled = new Promise(resolve => (this.#finish = resolve))
      afterTurn(this.#commit)
    }
    if (executionId !== undefined) this.#touched.add(executionId)
    return new Promise<T>((resolve, reject) => {
      this.#writes.push({ apply, resolve: resolve as Write['resolve'], reject })
    })
  }

  /**
   * Resolves when the pending writes of this execution, or of any, are settled; never rejects. `undefined` if there are
   * none.
   */
  settled(executionId?: string): Promise<void> | undefined {
    return executionId === undefined || this.#touched.has(executionId) ? this.#settled : undefined
  }

  /** Rejects all further writes. Pending writes are still applied: see `settled`. */
  refuse(refusal: DagstreamError): void {
    this.#refusal = refusal
  }

  readonly #commit = (): void => {
    const { connection, file, findFault } = this.#options
    while (this.#writes.length > 0) {
      const fault = findFault()
      if (fault !== undefined) {
        for (const { reject } of this.#writes.splice(0)) reject(fault)
        break
      }
      const answers: Answer[] = []
      let hasBegun = false
      try {
        connection.exec('BEGIN IMMEDIATE')
        hasBegun = true
        for (const { apply } of this.#writes) answers.push(answer(apply))
        connection.exec('COMMIT')
      } catch (error) {
        if (hasBegun) this.#rollBack()
        if (this.#waits(error)) return
        for (const { reject } of this.#takeFailed(error, hasBegun ? answers.length : undefined)) {
          reject(toStoreError(file, error))
        }
        continue
      }
      for (const [at, { resolve, reject }] of this.#writes.splice(0).entries()) {
        const given = answers[at] as Answer
        if ('refusal' in given) reject(given.refusal)
        else resolve(given.value)
      }
    }
    this.#busySince = undefined
    this.#touched.clear()
    this.#settled = undefined
    this.#finish()
  }

  #rollBack(): void {
    rollBack(this.#options.connection)
    this.#options.onRollback()
  }

  /** Whether another program locks the file; if so, schedules a retry. */
  #waits(error: unknown): boolean {
    const { clock, busyTimeoutMs } = this.#options
    const code = readResultCode(error)
    if (code !== SQLITE.BUSY && code !== SQLITE.LOCKED) return false
    const now = clock.now()
    this.#busySince ??= now
    const leftMs = this.#busySince + busyTimeoutMs - now
    if (leftMs <= 0) return false
    clock.after(Math.min(BUSY_PAUSE_MS, leftMs), this.#commit)
    return true
  }

  /** Removes the writes that a failure rejects: only the failing write for its own faults, else all. */
  #takeFailed(error: unknown, at: number | undefined): Write[] {
    const code = readResultCode(error)
    const isOwn = at !== undefined && at < this.#writes.length && (code === undefined || OWN_FAULTS.has(code))
    return isOwn ? this.#writes.splice(at, 1) : this.#writes.splice(0)
  }
}

function answer(apply: () => unknown): Answer {
  try {
    return { value: apply() }
  } catch (error) {
    if (error instanceof DagstreamError) return { refusal: error }
    throw error
  }
}
