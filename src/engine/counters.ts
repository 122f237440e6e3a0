/** What an executor's executions left behind, since it was made. */
export interface ExecutorCounters {
  /** Tools that did not settle within the grace after their abort. */
  readonly abandonedCount: number
  /** What tools emitted after their attempt was over. */
  readonly droppedEmissionCount: number
  /** Tasks with `cache` that took a remembered output, and those that were called since there was none. */
  readonly cacheHitCount: number
  readonly cacheMissCount: number
}

/** Nothing has been left behind yet. */
export function createCounters(): MutableCounters {
  return { abandonedCount: 0, droppedEmissionCount: 0, cacheHitCount: 0, cacheMissCount: 0 }
}

/** The counters as the executions of one executor count. */
export type MutableCounters = { -readonly [K in keyof ExecutorCounters]: ExecutorCounters[K] }
