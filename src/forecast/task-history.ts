import { addTokenUsage, type TokenUsage } from '../events/token-usage.ts'

/** One task of an ended execution that ran and succeeded. */
export interface TaskSample {
  readonly tool: string
  /** Total duration of its attempts, ms. */
  readonly timeMs: number
  /** Usage of all its attempts. */
  readonly usage: TokenUsage | undefined
}

/** Maximum number of samples that are kept per tool and per task: the first ones, which are the most recent. */
const MAX_SAMPLES = 500

/** The samples of one tool, or of one task of a workflow. */
export class Samples {
  readonly #all: TaskSample[] = []
  /** Computed on first use, as is the usage: all samples are added before. */
  #times: readonly number[] | undefined
  #usage: { readonly value: TokenUsage | undefined } | undefined

  add(sample: TaskSample): void {
    if (this.#all.length >= MAX_SAMPLES) return
    this.#all.push(sample)
    this.#times = undefined
    this.#usage = undefined
  }

  get count(): number {
    return this.#all.length
  }

  /** The time at a share of all samples, by nearest rank: 0.5 is the median. @param share over 0, at most 1 */
  timeAt(share: number): number {
    this.#times ??= this.#all.map(({ timeMs }) => timeMs).sort((a, b) => a - b)
    return atShare(this.#times, share) ?? 0
  }

  /** The median of each field; a field that less than half of the samples have is 0, one that none has is absent. */
  get usage(): TokenUsage | undefined {
    this.#usage ??= { value: this.#computeUsage() }
    return this.#usage.value
  }

  #computeUsage(): TokenUsage | undefined {
    const used = this.#all.flatMap(({ usage }) => usage ?? [])
    if (used.length === 0) return undefined
    const median = (read: (usage: TokenUsage) => number | undefined): number | undefined => {
      if (used.every(usage => read(usage) === undefined)) return undefined
      const values = this.#all.map(({ usage }) => (usage && read(usage)) ?? 0)
      return atShare(
        values.sort((a, b) => a - b),
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
  readonly #tools = new Map<string, Samples>()
  readonly #tasks = new Map<string, Samples>()
  readonly #childCounts = new Map<string, number[]>()

  /** Adds a task that ran. Call it with the most recent executions first. */
  add(workflow: string | undefined, place: string, sample: TaskSample): void {
    addTo(this.#tools, sample.tool, sample)
    addTo(this.#tasks, taskKey(workflow, place, sample.tool), sample)
  }

  /** Adds the number of children that a parent had. */
  addChildCount(workflow: string | undefined, place: string, count: number): void {
    const key = taskKey(workflow, place, '')
    const counts = this.#childCounts.get(key)
    if (counts === undefined) this.#childCounts.set(key, [count])
    else if (counts.length < MAX_SAMPLES) counts.push(count)
  }

  ofTool(tool: string): Samples | undefined {
    return this.#tools.get(tool)
  }

  /** The samples of a task, or those of its tool if the task has none. */
  ofTask(workflow: string | undefined, place: string, tool: string): Samples | undefined {
    return this.#tasks.get(taskKey(workflow, place, tool)) ?? this.#tools.get(tool)
  }

  /** The median number of children of a parent. */
  childCountOf(workflow: string | undefined, place: string): number | undefined {
    const counts = this.#childCounts.get(taskKey(workflow, place, ''))
    return (
      counts &&
      atShare(
        counts.toSorted((a, b) => a - b),
        0.5,
      )
    )
  }
}

function addTo(map: Map<string, Samples>, key: string, sample: TaskSample): void {
  let samples = map.get(key)
  if (samples === undefined) {
    samples = new Samples()
    map.set(key, samples)
  }
  samples.add(sample)
}

function taskKey(workflow: string | undefined, place: string, tool: string): string {
  return JSON.stringify([workflow ?? null, place, tool])
}

function atShare(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
}
