import type { Row } from '../connection/database.ts'

/** The locked bounds of a take. */
export interface Bounds {
  /** `key`, `max_running`. */
  readonly limits: readonly Row[]
  /** `tool`, `rate_max`, `rate_per_ms`, `tokens`, `refilled_at`. */
  readonly rates: readonly Row[]
  /** `key`, `owner`, `count` of running attempts. */
  readonly running: readonly Row[]
  readonly maxPerOwner: number
  /** The database's clock, ms. */
  readonly now: number
}

/** Chooses orders within locked bounds: by priority, then the owner whose last turn is the longest ago, then by age. */
export class OrderChoice {
  readonly now: number
  readonly #limits: ReadonlyMap<unknown, number>
  readonly #buckets: Map<string, number>
  readonly #running = new Map<unknown, number>()
  readonly #ofOwner = new Map<unknown, number>()
  readonly #maxPerOwner: number
  #goneOn = 0

  constructor({ limits, rates, running, maxPerOwner, now }: Bounds) {
    this.now = now
    this.#maxPerOwner = maxPerOwner
    this.#limits = new Map(limits.map(({ key, max_running }) => [key, max_running as number]))
    this.#buckets = new Map(rates.map(row => [row['tool'] as string, fill(row, now)]))
    for (const { key, owner, count } of running) this.#add(key, owner, count as number)
  }

  /** Whether an attempt whose questions are answered goes on now; it counts from here on. At most `free` do. */
  goesOn({ key, owner }: Row, free: number): boolean {
    if (this.#goneOn >= free || !this.#allows(key, owner)) return false
    this.#goneOn += 1
    this.#add(key, owner, 1)
    return true
  }

  /** @param candidates the oldest orders of each tool, priority and owner: `number`, `tool`, `rank`, `owner`, `turn`, `limit_key` */
  choose(candidates: readonly Row[], count: number): readonly Row[] {
    const turns = new Map(candidates.map(({ owner, turn }) => [owner, turn as number]))
    const tokens = new Map(this.#buckets)
    const left = new Set(candidates)
    const chosen: Row[] = []
    let turn = Math.max(0, ...turns.values())
    while (chosen.length < count) {
      let best: Row | undefined
      for (const row of left) {
        const isAllowed = this.#allows(row['limit_key'], row['owner']) && (tokens.get(row['tool'] as string) ?? 1) >= 1
        if (isAllowed && (best === undefined || compare(row, best, turns) < 0)) best = row
      }
      if (best === undefined) break
      const tool = best['tool'] as string
      const bucket = tokens.get(tool)
      if (bucket !== undefined) tokens.set(tool, bucket - 1)
      turns.set(best['owner'], ++turn)
      this.#add(best['limit_key'], best['owner'], 1)
      left.delete(best)
      chosen.push(best)
    }
    return chosen
  }

  /** The tokens that are left after calls of these tools begin. */
  spend(tools: readonly string[]): ReadonlyMap<string, number> {
    for (const tool of tools) {
      const tokens = this.#buckets.get(tool)
      if (tokens !== undefined) this.#buckets.set(tool, tokens - 1)
    }
    return this.#buckets
  }

  #allows(key: unknown, owner: unknown): boolean {
    const isWithinLimit = (this.#running.get(key) ?? 0) < (this.#limits.get(key) ?? Infinity)
    return isWithinLimit && (this.#ofOwner.get(owner) ?? 0) < this.#maxPerOwner
  }

  #add(key: unknown, owner: unknown, count: number): void {
    this.#running.set(key, (this.#running.get(key) ?? 0) + count)
    this.#ofOwner.set(owner, (this.#ofOwner.get(owner) ?? 0) + count)
  }
}

/** A token bucket, filled up to now. A new one is full. */
function fill({ rate_max, rate_per_ms, tokens, refilled_at }: Row, now: number): number {
  const max = rate_max as number
  if (tokens === null) return max
  const elapsedMs = Math.max(0, now - (refilled_at as number))
  return Math.min(max, (tokens as number) + (elapsedMs * max) / (rate_per_ms as number))
}

function compare(a: Row, b: Row, turns: ReadonlyMap<unknown, number>): number {
  const byTurn = (turns.get(a['owner']) ?? 0) - (turns.get(b['owner']) ?? 0)
  return Number(a['rank']) - Number(b['rank']) || byTurn || Number(a['number']) - Number(b['number'])
}
