/** Counters of an executor since it was created. */
export interface ExecutorCounters {
  /** Tools that did not settle within the grace period after their abort. */
  readonly abandonedCount: number
  /** Emissions of tools after the end of their attempt. */
  readonly droppedEmissionCount: number
}

/** Creates counters at 0. */
export function createCounters(): MutableCounters {
  return { abandonedCount: 0, droppedEmissionCount: 0 }
}

/** The counters, writable by the executions of one executor. */
export type MutableCounters = { -readonly [K in keyof ExecutorCounters]: ExecutorCounters[K] }
