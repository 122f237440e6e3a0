import type { AttemptKey } from '../../src/attempt/runner.ts'
import type { Dispatcher, KeyReceiver, Reception } from '../../src/cluster/order.ts'
import { nameOf } from './shared/tables.ts'

interface Entry {
  readonly key: AttemptKey
  readonly tool: string
  isOffered: boolean
}

interface Place {
  readonly receiver: KeyReceiver
  limit: number
  openCount: number
  isStopped: boolean
  onIdle: () => void
}

/** Delay of an order that was postponed, ms. */
const DELAY_MS = 10

/** A queue of keys in this process, which any number of dispatchers share. */
export class MemoryQueue {
  readonly #entries = new Map<string, Entry>()
  readonly #places = new Set<Place>()

  /** Opens a dispatcher on the queue. */
  connect(): Dispatcher {
    return {
      name: 'memory',
      dispatch: async orders => {
        for (const { command } of orders) this.#add(command, command.tool)
        this.#offer()
      },
      cancel: async key => this.#withdraw([key]),
      receive: async receiver => this.#receive(receiver),
      close: async () => {},
    }
  }

  #add({ executionId, taskId, attempt }: AttemptKey, tool: string): void {
    const key = { executionId, taskId, attempt }
    const name = nameOf(key)
    if (!this.#entries.has(name)) this.#entries.set(name, { key, tool, isOffered: false })
  }

  #withdraw(keys: readonly AttemptKey[]): void {
    for (const name of keys.map(nameOf)) if (this.#entries.get(name)?.isOffered === false) this.#entries.delete(name)
  }

  #receive(receiver: KeyReceiver): Reception {
    const place: Place = { receiver, limit: receiver.capacity, openCount: 0, isStopped: false, onIdle: () => {} }
    this.#places.add(place)
    receiver.reachable(true)
    this.#offer()
    return {
      limit: count => {
        place.limit = count
        this.#offer()
      },
      withdraw: keys => this.#withdraw(keys),
      stop: () => void (place.isStopped = true),
      close: async () => {
        this.#places.delete(place)
        if (place.openCount > 0) await new Promise<void>(resolve => (place.onIdle = resolve))
      },
    }
  }

  #offer(): void {
    for (const [name, entry] of this.#entries) {
      const isFree = ({ isStopped, openCount, limit, receiver }: Place): boolean =>
        !isStopped && openCount < Math.min(limit, receiver.capacity)
      const place = entry.isOffered ? undefined : [...this.#places].find(isFree)
      if (place !== undefined) void this.#offerTo(place, name, entry)
    }
  }

  async #offerTo(place: Place, name: string, entry: Entry): Promise<void> {
    entry.isOffered = true
    place.openCount += 1
    const offered = await place.receiver.offer(entry.key, entry.tool)
    const isOver = offered.status === 'gone' || (offered.status === 'taken' && (await offered.ended) === 'done')
    place.openCount -= 1
    if (place.openCount === 0) place.onIdle()
    if (isOver) this.#entries.delete(name)
    else {
      setTimeout(() => {
        entry.isOffered = false
        this.#offer()
      }, DELAY_MS)
    }
    this.#offer()
  }
}
