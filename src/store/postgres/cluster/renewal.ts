import { existsSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import type { ClientConfig } from 'pg'
import type { AttemptKey } from '../../../attempt/runner.ts'
import type { Renewal, RenewalOptions } from '../../../cluster/shared-store.ts'
import { afterTurn } from '../../../clock.ts'
import { DagstreamError } from '../../../errors.ts'
import type { Logger } from '../../../log/logger.ts'
import { nameOf } from './keys.ts'
import type { RenewalChange, RenewalCommand, RenewalData, RenewalReport } from './renewal-messages.ts'
import { SharedLimits } from './shared-limits.ts'

/** Interval at which the event loop shows that it turns, ms. */
const PULSE_MS = 100

/** Where the build puts the thread, seen from a module of an export, from a shared chunk, and from the source. */
const PLACES = [
  './renewal-thread.js',
  '../store/postgres/renewal-thread.js',
  '../../../../dist/store/postgres/renewal-thread.js',
]

/**
 * Renews orders in a thread, which a blocked event loop does not stop. Attempts that come in one turn are one message; it is sent
 * before the first of them can block. Ends wait for the next message, or for the pulse: until then the thread also renews orders that
 * have ended.
 */
export class ThreadRenewal implements Renewal {
  readonly #thread: Worker
  readonly #pulse: NodeJS.Timeout
  readonly #ended: Promise<void>
  readonly #limits = new SharedLimits(memory => this.#tell({ type: 'page', memory }))
  /** Of the limits of attempts. */
  readonly #places = new Map<string, number>()
  #changes: RenewalChange[] = []
  #hasUnsentBegin = false

  constructor(config: ClientConfig, { workerId, ttlMs, onRenewed }: RenewalOptions, logger: Logger) {
    const pulse = new SharedArrayBuffer(4)
    const beats = new Int32Array(pulse)
    this.#pulse = setInterval(() => {
      Atomics.add(beats, 0, 1)
      this.#flush()
    }, PULSE_MS).unref()
    const workerData: RenewalData = { config, workerId, ttlMs, pulse, pulseMs: PULSE_MS }
    // It needs no options of this process, such as `--import`.
    this.#thread = new Worker(findThread(), { workerData, execArgv: [] })
    this.#thread.on('message', (report: RenewalReport) => onRenewed(report))
    this.#thread.on('error', error => logger.warn('The renewal of orders has failed', { error: String(error) }))
    this.#ended = new Promise(resolve => this.#thread.once('exit', () => resolve()))
    this.#thread.unref()
  }

  begin(key: AttemptKey, limitMs: number): void {
    const name = nameOf(key)
    const known = this.#places.get(name)
    const place = known ?? this.#limits.take()
    if (known === undefined) {
      this.#places.set(name, place)
      this.#changes.push([place, key.executionId, key.taskId, key.attempt])
      if (!this.#hasUnsentBegin) afterTurn(() => this.#flush())
      this.#hasUnsentBegin = true
    }
    this.#limits.set(place, limitMs)
    // From here on its tool may block the event loop.
    if (this.#hasUnsentBegin && (known !== undefined || limitMs > 0)) this.#flush()
  }

  end(key: AttemptKey): void {
    const name = nameOf(key)
    const place = this.#places.get(name)
    if (place === undefined) return
    this.#places.delete(name)
    this.#limits.release(place)
    this.#changes.push(place)
  }

  async close(): Promise<void> {
    clearInterval(this.#pulse)
    this.#flush()
    this.#tell({ type: 'close' })
    await this.#ended
  }

  #flush(): void {
    if (this.#changes.length === 0) return
    const changes = this.#changes
    this.#changes = []
    this.#hasUnsentBegin = false
    this.#tell({ type: 'change', changes })
  }

  #tell(command: RenewalCommand): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of Node.js has no origin
    this.#thread.postMessage(command)
  }
}

function findThread(): URL {
  const found = PLACES.map(place => new URL(place, import.meta.url)).find(url => existsSync(url))
  if (found !== undefined) return found
  throw new DagstreamError(
    'STORE_FAILED',
    'The file `store/postgres/renewal-thread.js` of dagstream is missing: install it again',
  )
}
