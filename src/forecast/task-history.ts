import { addTokenUsage, type TokenUsage } from '../events/token-usage.ts'

/** One task of an ended execution that ran and succeeded. */
export interface TaskSample {
  readonly tool: string
  /** Total duration of its attempts, ms. */
  readonly timeMs: number
  /** Total of the delays between its attempts, ms. */
  readonly pauseMs: number
  /** Usage of all its attempts. */
  readonly usage: TokenUsage | undefined
}

/** What children are counted of: the items or the rounds of a parent. */
export type CountedKind = 'forEach' | 'repeat'

/** Maximum number of samples that are kept per tool and per task: the most recent ones. */
const MAX_SAMPLES = 500

/** Maximum number of samples of all tools together, and of all tasks: those that are not added to are removed first. */
const MAX_KEPT = 100_000

/** Maximum number of parents, and of workflows, that something is counted for. */
const MAX_COUNTED = 10_000

/** The samples of one tool, or of one task of a workflow. */
export class Samples {
  /** The most recent one first. */
  readonly #older: TaskSample[] = []
  /** More recent than `#older`, the most recent one last. */
  readonly #newer: TaskSample[] = []
  /** Computed on first use, as are pauses and usage. */
  #times: readonly number[] | undefined
  #pauses: readonly number[] | undefined
  #usage: { readonly value: TokenUsage | undefined } | undefined

  /** @param isNewest whether it is more recent than all others; otherwise it is less recent. @returns by how many samples it grew */
  add(sample: TaskSample, isNewest: boolean): number {
    const before = this.count
    if (isNewest) this.#newer.push(sample)
    else if (before < MAX_SAMPLES) this.#older.push(sample)
    if (this.count > MAX_SAMPLES && this.#older.pop() === undefined) this.#newer.shift()
    this.#times = undefined
    this.#pauses = undefined
    this.#usage = undefined
    return this.count - before
  }

  get count(): number {
    return this.#older.length + this.#newer.length
  }

  /** The time at a share of all samples, by nearest rank: 0.5 is the median. @param share over 0, at most 1 */
  timeAt(share: number): number {
    this.#times ??= this.#sorted(({ timeMs }) => timeMs)
    return atShare(this.#times, share) ?? 0
  }

  /** The same of the delays between attempts. */
  pauseAt(share: number): number {
    this.#pauses ??= this.#sorted(({ pauseMs }) => pauseMs)
    return atShare(this.#pauses, share) ?? 0
  }

  /** The median of each field; a field that less than half of the samples have is 0, one that none has is absent. */
  get usage(): TokenUsage | undefined {
    this.#usage ??= { value: this.#computeUsage() }
    return this.#usage.value
  }

  get #all(): readonly TaskSample[] {
    return [...this.#older, ...this.#newer]
  }

  #sorted(read: (sample: TaskSample) => number): readonly number[] {
    return this.#all.map(read).sort((a, b) => a - b)
  }

  #computeUsage(): TokenUsage | undefined {
    const all = this.#all
    const used = all.flatMap(({ usage }) => usage ?? [])
    if (used.length === 0) return undefined
    const median = (read: (usage: TokenUsage) => number | undefined): number | undefined => {
      if (used.every(usage => read(usage) === undefined)) return undefined
      return atShare(
        this.#sorted(({ usage }) => (usage && read(usage)) ?? 0),
        0.5,
      )
    }
    const fields = {
      totalCacheWrites: median(usage => usage.totalCacheWrites),
      totalCacheReads: median(usage => usage.totalCacheReads),
      totalCost: median(usage => usage.totalCost),
    }
    const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
    return addTokenUsage(undefined, {
      totalTokensIn: median(usage => usage.totalTokensIn) ?? 0,
      totalTokensOut: median(usage => usage.totalTokensOut) ?? 0,
      ...present,
    })
  }
}

/**
 * What the tasks of ended executions took, by tool and by task.
 *
 * A task is known by the name of its workflow, its place and its tool. Its place is its id; all items or rounds of a parent have
 * one place, `PARENT[]`, and tasks of a nested workflow `PARENT/ID`.
 */
export class TaskHistory {
  readonly #tools = new SamplesByKey()
  readonly #tasks = new SamplesByKey()
  readonly #childCounts = new Map<string, number[]>()
  readonly #runCounts = new Map<string | undefined, number>()

  /** Adds a task that ran, of an execution that is less recent than all others, or more recent if `isNewest`. */
  add(workflow: string | undefined, place: string, sample: TaskSample, isNewest = false): void {
    this.#tools.add(sample.tool, sample, isNewest)
    this.#tasks.add(taskKey(workflow, place, sample.tool), sample, isNewest)
  }

  /** Adds the number of items or rounds that a parent had; as `add`. */
  addChildCount(workflow: string | undefined, place: string, kind: CountedKind, count: number, isNewest = false): void {
    const key = taskKey(workflow, place, kind)
    const counts = this.#childCounts.get(key) ?? []
    if (isNewest) counts.unshift(count)
    else if (counts.length < MAX_SAMPLES) counts.push(count)
    if (counts.length > MAX_SAMPLES) counts.pop()
    setBounded(this.#childCounts, key, counts)
  }

  /** Counts an execution of a workflow. */
  addRun(workflow: string | undefined): void {
    setBounded(this.#runCounts, workflow, this.runCountOf(workflow) + 1)
  }

  /** Number of executions that were added of a workflow. */
  runCountOf(workflow: string | undefined): number {
    return this.#runCounts.get(workflow) ?? 0
  }

  ofTool(tool: string): Samples | undefined {
    return this.#tools.get(tool)
  }

  /** The samples of a task, or those of its tool if the task has none. */
  ofTask(workflow: string | undefined, place: string, tool: string): Samples | undefined {
    return this.#tasks.get(taskKey(workflow, place, tool)) ?? this.#tools.get(tool)
  }

  /** The median number of items or rounds of a parent. */
  childCountOf(workflow: string | undefined, place: string, kind: CountedKind): number | undefined {
    const counts = this.#childCounts.get(taskKey(workflow, place, kind))
    return (
      counts &&
      atShare(
        counts.toSorted((a, b) => a - b),
        0.5,
      )
    )
  }
}

/** Bounded: the keys that nothing is added to are removed first. */
class SamplesByKey {
  readonly #samples = new Map<string, Samples>()
  #count = 0

  get(key: string): Samples | undefined {
    return this.#samples.get(key)
  }

  add(key: string, sample: TaskSample, isNewest: boolean): void {
    const samples = this.#samples.get(key) ?? new Samples()
    if (isNewest) this.#samples.delete(key)
    this.#samples.set(key, samples)
    this.#count += samples.add(sample, isNewest)
    // Hot path: an iterator passes all keys that were removed.
    if (this.#count <= MAX_KEPT) return
    for (const [first, { count }] of this.#samples) {
      if (this.#count <= MAX_KEPT || first === key) break
      this.#samples.delete(first)
      this.#count -= count
    }
  }
}

function setBounded<Key, Value>(map: Map<Key, Value>, key: Key, value: Value): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= MAX_COUNTED) return
  for (const first of map.keys()) {
    map.delete(first)
    return
  }
}

function taskKey(workflow: string | undefined, place: string, tool: string): string {
  return JSON.stringify([workflow ?? null, place, tool])
}

function atShare(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}
