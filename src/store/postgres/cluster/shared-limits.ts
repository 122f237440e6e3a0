/** Limits of one page of memory. */
const PAGE = 256
/** Integers of one limit: how often it has changed, and the limit, ms. */
const WIDTH = 2
const MAX_LIMIT = 2 ** 31 - 1

/**
 * The limits of attempts in memory that both threads see: an event loop that a tool blocks could send no message, and a message costs
 * more than a short tool.
 */
export class SharedLimits {
  readonly #pages: Int32Array[] = []
  readonly #free: number[] = []
  readonly #onPage: ((memory: SharedArrayBuffer) => void) | undefined

  /** @param onPage receives the memory of each new page; absent for the thread that only reads */
  constructor(onPage?: (memory: SharedArrayBuffer) => void) {
    this.#onPage = onPage
  }

  /** Adds a page that the other thread has made. */
  addPage(memory: SharedArrayBuffer): void {
    this.#pages.push(new Int32Array(memory))
  }

  /** A free place, whose limit is none. */
  take(): number {
    const place = this.#free.pop() ?? this.#grow()
    this.set(place, 0)
    return place
  }

  release(place: number): void {
    this.#free.push(place)
  }

  /** @param limitMs counts from now; 0: none */
  set(place: number, limitMs: number): void {
    const [page, at] = this.#find(place)
    Atomics.store(page, at + 1, Math.min(MAX_LIMIT, Math.ceil(limitMs)))
    Atomics.add(page, at, 1)
  }

  /** How often the limit has changed. */
  version(place: number): number {
    const [page, at] = this.#find(place)
    return Atomics.load(page, at)
  }

  /** 0: none. */
  limitMs(place: number): number {
    const [page, at] = this.#find(place)
    return Atomics.load(page, at + 1)
  }

  #grow(): number {
    const first = this.#pages.length * PAGE
    const memory = new SharedArrayBuffer(PAGE * WIDTH * Int32Array.BYTES_PER_ELEMENT)
    this.addPage(memory)
    this.#onPage?.(memory)
    for (let place = first + PAGE - 1; place > first; place--) this.#free.push(place)
    return first
  }

  #find(place: number): readonly [Int32Array, number] {
    return [this.#pages[Math.floor(place / PAGE)] as Int32Array, (place % PAGE) * WIDTH]
  }
}
