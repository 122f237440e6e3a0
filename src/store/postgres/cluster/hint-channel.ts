import type { ClientConfig } from 'pg'
import type { Hint, Hints } from '../../../cluster/shared-store.ts'
import type { Call } from '../connection/batch.ts'
import type { Database } from '../connection/database.ts'
import type { PostgresDriver } from '../connection/load-driver.ts'
import { type Channel, CHANNELS, NOTIFY } from '../sql/hints.ts'
import { HintLane, type HintsByWord } from './hint-lane.ts'
import { HintListener } from './hint-listener.ts'
import { readPayload, toPayload, toWord } from './hint-text.ts'

type Wake = (hints: readonly Hint[] | undefined) => void

const ALL_KINDS = Object.keys(CHANNELS) as readonly Hint['kind'][]

/**
 * Longest pauses between notifications, ms: they take a lock of the whole database. A reader waits once for `log`; a chain of tasks
 * waits for the other hints at each step. Entries are often followed by orders, whose notification takes their hint along.
 */
const LOG_DELAY_MS = 2
const LOG_PAUSE_MS = 10
const STEP_PAUSE_MS = 2

/** Hints by `NOTIFY`, apart from all transactions, received on a connection of their own. */
export class HintChannel implements Hints {
  readonly #database: Database
  readonly #listener: HintListener
  /** Word of this process. */
  readonly #own: string = globalThis.crypto.randomUUID().slice(0, 8)
  readonly #subscribers = new Set<Wake>()
  readonly #log = new HintLane(LOG_PAUSE_MS, hints => this.#send(hints), LOG_DELAY_MS)
  /** Takes the waiting `log` hints along. */
  readonly #steps = new HintLane(STEP_PAUSE_MS, hints => this.#send(new Map([...hints, ...this.#log.take()])))
  #isClosed = false

  constructor(database: Database, driver: PostgresDriver, config: ClientConfig) {
    this.#database = database
    const receive = (payload: string): void => this.#receive(payload)
    this.#listener = new HintListener({ driver, config, receive, onReturned: () => this.#wake(undefined) })
  }

  readonly publish = (hint: Hint): void => {
    if (this.#isClosed) return
    const lane = hint.kind === 'log' ? this.#log : this.#steps
    lane.add(hint)
  }

  /**
   * Runs a write whose notification follows it in the same trip, unless hints pause: then it is sent later. Waiting hints of others are
   * sent along, but do not wait for a write that lasts.
   * @param write runs the given statement after its own
   */
  async carry<T>(hints: readonly Hint[], write: (after?: Call) => Promise<T>): Promise<T> {
    if (this.#isClosed || !this.#steps.begin()) {
      const result = await write()
      for (const hint of hints) this.publish(hint)
      return result
    }
    const waiting = new Map([...this.#steps.waiting, ...this.#log.waiting])
    const carried = new Map([...waiting, ...hints.map(hint => [toWord(hint), hint] as const)])
    try {
      const result = await write(this.#toCall(carried))
      for (const lane of [this.#steps, this.#log]) lane.drop(waiting)
      this.#wake([...carried.values()])
      return result
    } catch (error) {
      // It may have taken effect.
      for (const hint of hints) this.publish(hint)
      throw error
    } finally {
      this.#steps.end()
    }
  }

  /** The hints of this process come whatever their kind. */
  async subscribe(wake: Wake, kinds: readonly Hint['kind'][] = ALL_KINDS): Promise<() => Promise<void>> {
    // Each subscription is one of its own, also with the same function.
    const entry: Wake = hints => wake(hints)
    const channels = new Set<Channel>(kinds.map(kind => CHANNELS[kind]))
    this.#subscribers.add(entry)
    await this.#listener.add(channels)
    return async () => {
      if (this.#subscribers.delete(entry)) await this.#listener.remove(channels)
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#subscribers.clear()
    await this.#listener.close()
  }

  /** Wakes the subscribers of this process, then those of others. Never rejects. */
  async #send(hints: HintsByWord): Promise<void> {
    this.#wake([...hints.values()])
    const { statement, values } = this.#toCall(hints)
    try {
      await this.#database.tryOnce(statement, values)
    } catch {
      // Lost hints cost others the interval of their polls.
    }
  }

  #toCall(hints: HintsByWord): Call {
    const words = new Map<Channel, string[]>()
    for (const [word, { kind }] of hints) {
      const own = words.get(CHANNELS[kind])
      if (own === undefined) words.set(CHANNELS[kind], [word])
      else own.push(word)
    }
    const payloads = Array.from(words.values(), each => toPayload(this.#own, each))
    return { statement: NOTIFY, values: [[...words.keys()], payloads] }
  }

  #receive(payload: string): void {
    const hints = readPayload(this.#own, payload)
    if (hints === undefined || hints.length > 0) this.#wake(hints)
  }

  #wake(hints: readonly Hint[] | undefined): void {
    for (const wake of this.#subscribers) wake(hints)
  }
}
