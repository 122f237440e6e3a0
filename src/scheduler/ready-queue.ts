import type { Gate } from '../tools/gate.ts'

/** Tasks of one execution that wait for the same limit or rate. */
export interface LimitQueue {
  readonly limit: Gate
  readonly ready: ReadyQueue
  /** Number of requested permits that are not granted yet. */
  requestedCount: number
}

/** Numbers, smallest first: a binary heap. Adding in ascending order costs one comparison each. */
export class ReadyQueue {
  readonly #heap: number[] = []

  get size(): number {
    return this.#heap.length
  }

  /** The smallest number, without removing it. */
  get first(): number | undefined {
    return this.#heap[0]
  }

  add(rank: number): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(rank)
    while (at > 0) {
      const parent = (at - 1) >> 1
      const above = heap[parent] as number
      if (above <= rank) break
      heap[at] = above
      at = parent
    }
    heap[at] = rank
  }

  /** Removes and returns the smallest number; `undefined` if there is none. */
  take(): number | undefined {
    const heap = this.#heap
    const smallest = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return smallest
    let at = 0
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = child + 1
      if (right < heap.length && (heap[right] as number) < (heap[child] as number)) child = right
      const below = heap[child] as number
      if (below >= last) break
      heap[at] = below
      at = child
    }
    heap[at] = last
    return smallest
  }

  /** Keeps the numbers for which `isKept` holds. */
  retain(isKept: (rank: number) => boolean): void {
    const kept = this.#heap.filter(isKept)
    this.#heap.length = 0
    for (const rank of kept) this.add(rank)
  }

  clear(): void {
    this.#heap.length = 0
  }
}
