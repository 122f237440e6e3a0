import { type Signal, signal } from '@preact/signals'
import { describeFailure } from '../api/failure.ts'
import { requestJson } from '../api/server.ts'

/** An execution as the server lists it. */
export interface ListedExecution {
  readonly executionId: string
  readonly status: string
  readonly createdAt: string
  readonly name?: string
  readonly totalTasks?: number
  readonly successCount?: number
  readonly errorCount?: number
  readonly skippedCount?: number
  readonly cancelledCount?: number
  readonly runningCount?: number
  readonly executionTimeMs?: number
  readonly startedAt?: string
  readonly tokenUsage?: { readonly totalTokensIn: number; readonly totalTokensOut: number; readonly totalCost?: number }
}

interface Page {
  readonly executions: readonly ListedExecution[]
  readonly next?: string
}

/** Size of a page of the server, and the maximum number of pages that are read at once. */
const PAGE_SIZE = 1000
const MAX_PAGES = 30
/** Minimum time between two reads, ms; a slow server is asked less often. */
const INTERVAL_MS = 1500

/** The executions of the server since a time, kept up to date by asking again for those that may have changed. */
export class ExecutionsFeed {
  /** Newest first. */
  readonly executions: Signal<readonly ListedExecution[]> = signal([])
  readonly status: Signal<'loading' | 'live' | 'failed'> = signal('loading')
  readonly failure: Signal<string> = signal('')
  /** There are more than are read. */
  readonly isCut: Signal<boolean> = signal(false)
  readonly #known = new Map<string, ListedExecution>()
  readonly #since: string | undefined
  readonly #abort = new AbortController()

  /** @param since ISO 8601; `undefined` for all */
  constructor(since: string | undefined) {
    this.#since = since
    void this.#run()
  }

  close(): void {
    this.#abort.abort()
  }

  /** Reads again and again until it is closed. Never rejects. */
  async #run(): Promise<void> {
    const { signal: aborted } = this.#abort
    while (!aborted.aborted) {
      const startedAt = performance.now()
      try {
        await this.#read()
        if (aborted.aborted) return
        this.executions.value = [...this.#known.values()].toReversed()
        this.status.value = 'live'
      } catch (error) {
        if (aborted.aborted) return
        this.failure.value = describeFailure(error)
        this.status.value = 'failed'
      }
      const took = performance.now() - startedAt
      await new Promise(resolve => setTimeout(resolve, Math.max(INTERVAL_MS, took * 10)))
    }
  }

  /** Everything at first; later what was created since the oldest one that has not ended. */
  async #read(): Promise<void> {
    const oldest = this.status.peek() === 'live' ? this.#findOldestOpen() : this.#since
    const query = new URLSearchParams({ limit: String(PAGE_SIZE), ...(oldest !== undefined && { since: oldest }) })
    const found = new Set<string>()
    for (let page = 0; page < MAX_PAGES; page++) {
      const { executions, next } = await requestJson<Page>(`executions?${query}`, { signal: this.#abort.signal })
      for (const each of executions) {
        this.#known.set(each.executionId, each)
        found.add(each.executionId)
      }
      if (next === undefined) return this.#forgetDeleted(oldest, found)
      query.set('after', next)
    }
    this.isCut.value = true
  }

  #findOldestOpen(): string | undefined {
    let last = this.#since
    for (const { status, createdAt } of this.#known.values()) {
      if (status === 'running' || status === 'parked') return createdAt
      last = createdAt
    }
    return last
  }

  #forgetDeleted(since: string | undefined, found: ReadonlySet<string>): void {
    for (const [id, { createdAt }] of this.#known) {
      if ((since === undefined || createdAt >= since) && !found.has(id)) this.#known.delete(id)
    }
  }
}
