import type { Schedule } from '../events/events.ts'
import type { ExecutionPlan, FanOut, PlannedTask, Repetition } from '../plan/execution-plan.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import type { ItemSource } from '../workflow/checked-document.ts'
import { LIMITS } from '../workflow/document.ts'
import { readSource } from '../workflow/template.ts'
import type { Samples, TaskHistory } from './task-history.ts'

/** Something that bounds how many nodes run at once, or how often they begin. */
export interface FlatGate {
  readonly size?: number
  readonly rate?: { readonly max: number; readonly perMs: number }
}

/** A node of the simulated graph: a call of a tool, a delay, or a point in time. */
export interface FlatNode {
  /** Index of the task of the document that it belongs to; −1 for a point between layers. */
  readonly top: number
  readonly dependencies: number[]
  /** Present on a call: it holds a slot. */
  readonly samples?: Samples
  readonly gates: readonly FlatGate[]
  /** Duration of a delay, ms. */
  readonly delayMs: number
}

/** A plan as one graph, with all items, rounds and nested tasks. */
export interface FlatPlan {
  readonly nodes: readonly FlatNode[]
  /** Names of tools without history, sorted. */
  readonly unknownTools: readonly string[]
  /** Ids of parents whose number of items or rounds is unknown. */
  readonly unknownCounts: readonly string[]
  /** Number of calls by tool. */
  readonly callCounts: ReadonlyMap<string, number>
  /** Whether it has more nodes than an execution may have tasks. */
  readonly isTooLarge: boolean
}

/** Builds the graph of a plan under a schedule: layers become points in time that all tasks of the next layer wait for. */
export function flattenPlan(plan: ExecutionPlan, history: TaskHistory, schedule: Schedule): FlatPlan {
  return new Flattening(history, schedule, plan.name).flatten(plan)
}

class Flattening {
  readonly #history: TaskHistory
  readonly #schedule: Schedule
  readonly #workflow: string | undefined
  readonly #nodes: FlatNode[] = []
  readonly #gates = new Map<object, FlatGate>()
  readonly #unknownTools = new Set<string>()
  readonly #unknownCounts = new Set<string>()
  readonly #callCounts = new Map<string, number>()

  constructor(history: TaskHistory, schedule: Schedule, workflow: string | undefined) {
    this.#history = history
    this.#schedule = schedule
    this.#workflow = workflow
  }

  flatten(plan: ExecutionPlan): FlatPlan {
    this.#addPlan(plan, '', [], undefined, [])
    return {
      nodes: this.#nodes,
      unknownTools: [...this.#unknownTools].sort(),
      unknownCounts: [...this.#unknownCounts],
      callCounts: this.#callCounts,
      isTooLarge: this.#isFull,
    }
  }

  get #isFull(): boolean {
    return this.#nodes.length > LIMITS.maxExecutionTasks
  }

  /** @returns the node that ends it */
  #addPlan(
    plan: ExecutionPlan,
    prefix: string,
    after: readonly number[],
    top: number | undefined,
    gates: readonly FlatGate[],
  ): number {
    const isLayered = this.#schedule === 'layers'
    const ends: number[] = []
    let opened = after
    /** Ends since the last point that all tasks waited for. */
    let open: number[] = [...after]
    for (const [layer, tasks] of plan.layerIndices.entries()) {
      if (this.#isFull) break
      // `finally` tasks wait for all others under both schedules.
      if (layer > 0 && (isLayered || layer === plan.finallyLayer)) {
        opened = [this.#add({ top: top ?? -1, dependencies: open })]
        open = [...opened]
      }
      for (const task of tasks) {
        const planned = plan.tasks[task] as PlannedTask
        const own = (plan.dependencies[task] as readonly number[]).map(dependency => ends[dependency] as number)
        const end = this.#addTask(
          planned,
          prefix + planned.id,
          isLayered || own.length === 0 ? opened : own,
          top ?? task,
          gates,
        )
        ends[task] = end
        open.push(end)
      }
    }
    return this.#add({ top: top ?? -1, dependencies: open })
  }

  #addTask(
    task: PlannedTask,
    place: string,
    after: readonly number[],
    top: number,
    gates: readonly FlatGate[],
  ): number {
    const { group } = task
    if (this.#isFull) return this.#add({ top, dependencies: [...after] })
    if (group === undefined) return this.#addCall(task.tool, place, after, top, gates)
    if (group.kind === 'workflow') return this.#addPlan(group.plan, `${place}/`, after, top, gates)
    if (group.kind === 'plan') return this.#addPlanner(group.body, after, top, gates)
    const count = this.#countChildren(group, place)
    if (group.kind === 'repeat') return this.#addRounds(group, place, count, after, top, gates)
    const bound = group.concurrency === undefined ? gates : [...gates, { size: group.concurrency }]
    const start = this.#add({ top, dependencies: [...after] })
    const ends: number[] = []
    for (let item = 0; item < count && !this.#isFull; item++) {
      ends.push(this.#addTask(group.body, `${place}[]`, [start], top, bound))
    }
    return this.#add({ top, dependencies: [start, ...ends] })
  }

  /** Its tasks are unknown, whatever it planned before. */
  #addPlanner({ tool }: PlannedTask, after: readonly number[], top: number, gates: readonly FlatGate[]): number {
    this.#unknownTools.add(tool.name)
    this.#callCounts.set(tool.name, (this.#callCounts.get(tool.name) ?? 0) + 1)
    return this.#add({ top, dependencies: [...after], gates })
  }

  #addRounds(
    { body, everyMs, factor }: Repetition,
    place: string,
    count: number,
    after: readonly number[],
    top: number,
    gates: readonly FlatGate[],
  ): number {
    let last = this.#add({ top, dependencies: [...after] })
    for (let round = 0; round < count && !this.#isFull; round++) {
      if (round > 0) last = this.#add({ top, dependencies: [last], delayMs: everyMs * factor ** (round - 1) })
      last = this.#addTask(body, `${place}[]`, [last], top, gates)
    }
    return last
  }

  #addCall(
    tool: RegisteredTool,
    place: string,
    after: readonly number[],
    top: number,
    gates: readonly FlatGate[],
  ): number {
    const { name } = tool
    const samples = this.#history.ofTask(this.#workflow, place, name)
    if (samples === undefined) this.#unknownTools.add(name)
    this.#callCounts.set(name, (this.#callCounts.get(name) ?? 0) + 1)
    const own = this.#gatesOf(tool)
    return this.#add({
      top,
      dependencies: [...after],
      gates: own.length === 0 ? gates : [...gates, ...own],
      ...(samples && { samples }),
    })
  }

  /** A limit may be shared by tools; a rate is that of one tool. */
  #gatesOf({ limit, rate }: RegisteredTool): readonly FlatGate[] {
    const gates: FlatGate[] = []
    for (const [key, gate] of [
      [limit, limit && { size: limit.size }],
      [rate, rate && { rate }],
    ] as const) {
      if (key === undefined || gate === undefined) continue
      const known = this.#gates.get(key) ?? gate
      this.#gates.set(key, known)
      gates.push(known)
    }
    return gates
  }

  #countChildren(group: FanOut | Repetition, place: string): number {
    const count = countLiteral(group) ?? this.#history.childCountOf(this.#workflow, place)
    if (count === undefined) this.#unknownCounts.add(place)
    return count ?? 1
  }

  #add({ top, dependencies, samples, gates = [], delayMs = 0 }: Partial<FlatNode> & Pick<FlatNode, 'top'>): number {
    this.#nodes.push({ top, dependencies: dependencies ?? [], gates, delayMs, ...(samples && { samples }) })
    return this.#nodes.length - 1
  }
}

/** The number of items that the document itself holds, or of rounds that nothing ends early. */
function countLiteral(group: FanOut | Repetition): number | undefined {
  if (group.kind === 'repeat') return group.until === undefined ? group.maxTimes : undefined
  return countItems(group.items)
}

function countItems(items: ItemSource): number | undefined {
  const lists = items.kind === 'list' ? [items.list] : items.lists
  let count = 1
  for (const list of lists) {
    const source = readSource(list)
    if (!Array.isArray(source)) return undefined
    count *= source.length
  }
  return count
}
