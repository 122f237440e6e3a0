/** What waits: the highest priority first, then the oldest. */
export class WaitingLine<Item> {
  /** By priority; a set keeps its order and removes in constant time. No set is empty. */
  readonly #byPriority = new Map<number, Set<{ readonly item: Item }>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  /** @returns removes the item; idempotent, no effect after `take` has returned it */
  add(item: Item, priority: number): () => void {
    const place = { item }
    const line = this.#byPriority.get(priority)
    if (line === undefined) this.#byPriority.set(priority, new Set([place]))
    else line.add(place)
    this.#size += 1
    return () => this.#remove(place, priority)
  }

  /** Removes and returns the first; `undefined` if nothing waits. */
  take(): Item | undefined {
    if (this.#size === 0) return undefined
    let highest = Number.NEGATIVE_INFINITY
    for (const priority of this.#byPriority.keys()) if (priority > highest) highest = priority
    for (const place of this.#byPriority.get(highest) ?? []) {
      this.#remove(place, highest)
      return place.item
    }
    return undefined
  }

  #remove(place: { readonly item: Item }, priority: number): void {
    const line = this.#byPriority.get(priority)
    if (line?.delete(place) !== true) return
    this.#size -= 1
    if (line.size === 0) this.#byPriority.delete(priority)
  }
}
