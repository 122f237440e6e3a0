import type { Clock } from '../clock.ts'
import type { MemoryKey, RememberedOutput } from './execution-store.ts'

/** Approximate memory of an entry without its texts, bytes. */
const ENTRY_WEIGHT = 200

export interface OutputCacheBounds {
  readonly maxCacheAgeMs: number
  readonly maxCacheBytes: number
  readonly clock: Clock
}

interface Entry {
  readonly remembered: RememberedOutput
  readonly keptAt: number
  readonly bytes: number
}

/** The remembered outputs of a store in memory: the oldest go first beyond the bounds. */
export class OutputCache {
  readonly #bounds: OutputCacheBounds
  /** In the order in which they were remembered. */
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor(bounds: OutputCacheBounds) {
    this.#bounds = bounds
  }

  recall(key: MemoryKey, maxAgeMs: number): RememberedOutput | undefined {
    const entry = this.#entries.get(toText(key))
    if (entry === undefined) return undefined
    const ageMs = this.#bounds.clock.now() - entry.keptAt
    return ageMs <= Math.min(maxAgeMs, this.#bounds.maxCacheAgeMs) ? entry.remembered : undefined
  }

  remember(key: MemoryKey, remembered: RememberedOutput): void {
    const text = toText(key)
    this.#delete(text)
    const bytes = ENTRY_WEIGHT + text.length + remembered.output.length
    const { maxCacheBytes, clock } = this.#bounds
    if (bytes > maxCacheBytes) return
    this.#entries.set(text, { remembered: { ...remembered }, keptAt: clock.now(), bytes })
    this.#bytes += bytes
    this.sweep()
  }

  forget(): number {
    const { size } = this.#entries
    this.#entries.clear()
    this.#bytes = 0
    return size
  }

  /** Drops what is beyond the bounds. */
  sweep(): void {
    const { maxCacheAgeMs, maxCacheBytes, clock } = this.#bounds
    const oldest = clock.now() - maxCacheAgeMs
    for (const [text, { keptAt }] of this.#entries) {
      if (this.#bytes <= maxCacheBytes && keptAt >= oldest) return
      this.#delete(text)
    }
  }

  #delete(text: string): void {
    this.#bytes -= this.#entries.get(text)?.bytes ?? 0
    this.#entries.delete(text)
  }
}

function toText({ owner, key }: MemoryKey): string {
  return owner === undefined ? key : `${key} ${owner}`
}
