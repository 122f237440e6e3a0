import { delayAfterRounds } from '../backoff.ts'
import type { Schedule } from '../events/events.ts'
import type { ExecutionPlan, FanOut, PlannedTask, Repetition } from '../plan/execution-plan.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import type { ItemSource } from '../workflow/checked-document.ts'
import { LIMITS } from '../workflow/document.ts'
import { readSource } from '../workflow/template.ts'
import { type FlatGate, ToolGates } from './gates.ts'
import type { Samples, TaskHistory } from './task-history.ts'

/** A node of the simulated graph: a call of a tool, a delay, or a point in time. */
export interface FlatNode {
  /** Index of the task of the document that it belongs to; −1 for a point between layers. */
  readonly top: number
  readonly dependencies: number[]
  /** Present on a call: it holds a slot. */
  readonly samples?: Samples
  /** Whether nothing is known of it: a call without history, or an unknown number of items or rounds. */
  readonly isUnknown?: true
  readonly gates: readonly FlatGate[]
  /** On a point in time: its gates are entered here, and left at the `exit` of the same item. */
  readonly hold?: 'enter' | 'exit'
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
  /** Whether it has more nodes than the bound. */
  readonly isTooLarge: boolean
}

export interface FlatOptions {
  /**
   * Whether a task, by its full id, came to an output that is taken over if all that it depends on is. @defaultValue none did
   */
  readonly isReusable?: ((taskId: string) => boolean) | undefined
  /** @defaultValue the number of tasks that an execution may have */
  readonly maxNodes?: number
}

/** Where a task stands. */
interface Place {
  /** As in the history: `[]` stands for each item or round. */
  readonly place: string
  readonly id: string
  readonly top: number
  readonly gates: readonly FlatGate[]
  /** Whether all that it depends on is taken over. */
  readonly mayReuse: boolean
}

/** Builds the graph of a plan under a schedule: layers become points in time that all tasks of the next layer wait for. */
export function flattenPlan(
  plan: ExecutionPlan,
  history: TaskHistory,
  schedule: Schedule,
  options: FlatOptions = {},
): FlatPlan {
  return new Flattening(history, schedule, plan.name, options).flatten(plan)
}

class Flattening {
  readonly #history: TaskHistory
  readonly #schedule: Schedule
  readonly #workflow: string | undefined
  readonly #options: FlatOptions
  readonly #maxNodes: number
  readonly #nodes: FlatNode[] = []
  readonly #gates = new ToolGates()
  readonly #unknownTools = new Set<string>()
  readonly #unknownCounts = new Set<string>()
  readonly #callCounts = new Map<string, number>()
  /** Whether all that was added last is taken over. */
  #isReused = false

  constructor(history: TaskHistory, schedule: Schedule, workflow: string | undefined, options: FlatOptions) {
    this.#history = history
    this.#schedule = schedule
    this.#workflow = workflow
    this.#options = options
    this.#maxNodes = options.maxNodes ?? LIMITS.maxExecutionTasks
  }

  flatten(plan: ExecutionPlan): FlatPlan {
    const mayReuse = this.#options.isReusable !== undefined
    this.#addPlan(plan, { place: '', id: '', top: -1, gates: [], mayReuse }, [])
    return {
      nodes: this.#nodes,
      unknownTools: [...this.#unknownTools].sort(),
      unknownCounts: [...this.#unknownCounts],
      callCounts: this.#callCounts,
      isTooLarge: this.#isFull,
    }
  }

  get #isFull(): boolean {
    return this.#nodes.length > this.#maxNodes
  }

  /** @param at its ids begin those of its tasks. @returns the node that ends it */
  #addPlan(plan: ExecutionPlan, at: Place, after: readonly number[]): number {
    const { top, mayReuse } = at
    const isLayered = this.#schedule === 'layers'
    const ends: number[] = []
    const reused: boolean[] = []
    let areReused = mayReuse
    /** Of a `finally` task: whether all others are. */
    let areOthersReused = true
    let opened = after
    /** Ends since the last point that all tasks waited for. */
    let open: number[] = [...after]
    for (const [layer, tasks] of plan.layerIndices.entries()) {
      if (this.#isFull) break
      // `finally` tasks wait for all others under both schedules.
      if (layer > 0 && (isLayered || layer === plan.finallyLayer)) {
        opened = [this.#add({ top, dependencies: open })]
        open = [...opened]
      }
      if (layer === plan.finallyLayer) areOthersReused = areReused
      for (const task of tasks) {
        const planned = plan.tasks[task] as PlannedTask
        const dependencies = plan.dependencies[task] as readonly number[]
        const own = dependencies.map(dependency => ends[dependency] as number)
        const place: Place = {
          ...at,
          place: at.place + planned.id,
          id: at.id + planned.id,
          top: top < 0 ? task : top,
          mayReuse: mayReuse && areOthersReused && dependencies.every(each => reused[each]),
        }
        const end = this.#addTask(planned, place, isLayered || own.length === 0 ? opened : own)
        ends[task] = end
        reused[task] = this.#isReused
        areReused &&= this.#isReused
        open.push(end)
      }
    }
    this.#isReused = areReused
    return this.#add({ top, dependencies: open })
  }

  #addTask(task: PlannedTask, at: Place, after: readonly number[]): number {
    const { group } = task
    const { top, place, id } = at
    if (this.#isFull) return this.#add({ top, dependencies: [...after] })
    if (group === undefined) return this.#addCall(task.tool, at, after)
    if (group.kind === 'workflow') return this.#addPlan(group.plan, { ...at, place: `${place}/`, id: `${id}/` }, after)
    if (group.kind === 'plan') return this.#addPlanner(group.body, top, after)
    const count = this.#countChildren(group, place)
    const isUnknown = count === undefined
    const start = this.#add({ top, dependencies: [...after], ...(isUnknown && { isUnknown }) })
    const isRepeat = group.kind === 'repeat'
    const own = isRepeat || group.concurrency === undefined ? [] : [{ size: group.concurrency }]
    // An item that is a call is bound by the gate of the call.
    const isHeld = own.length > 0 && group.body.group !== undefined
    const gates = isHeld ? at.gates : [...at.gates, ...own]
    const ends: number[] = []
    let last = start
    let { mayReuse } = at
    let areReused = mayReuse
    for (let index = 0; index < (count ?? 1) && !this.#isFull; index++) {
      if (isRepeat && index > 0)
        last = this.#add({ top, dependencies: [last], delayMs: delayAfterRounds(group, index) })
      const child: Place = { ...at, place: `${place}[]`, id: `${id}[${index}]`, gates, mayReuse }
      const before = isRepeat ? last : start
      const entered = isHeld ? this.#add({ top, dependencies: [before], gates: own, hold: 'enter' }) : before
      last = this.#addTask(group.body, child, [entered])
      if (isHeld) last = this.#add({ top, dependencies: [last], gates: own, hold: 'exit' })
      ends.push(last)
      areReused &&= this.#isReused
      if (isRepeat) mayReuse = areReused
    }
    this.#isReused = areReused
    return isRepeat ? last : this.#add({ top, dependencies: [start, ...ends] })
  }

  /** Its tasks are unknown, whatever it planned before. */
  #addPlanner({ tool }: PlannedTask, top: number, after: readonly number[]): number {
    this.#isReused = false
    this.#unknownTools.add(tool.name)
    this.#callCounts.set(tool.name, (this.#callCounts.get(tool.name) ?? 0) + 1)
    return this.#add({ top, dependencies: [...after], isUnknown: true })
  }

  #addCall(tool: RegisteredTool, { place, id, top, gates, mayReuse }: Place, after: readonly number[]): number {
    const { name } = tool
    this.#isReused = mayReuse && this.#options.isReusable?.(id) === true
    if (this.#isReused) return this.#add({ top, dependencies: [...after] })
    const samples = this.#history.ofTask(this.#workflow, place, name)
    if (samples === undefined) this.#unknownTools.add(name)
    this.#callCounts.set(name, (this.#callCounts.get(name) ?? 0) + 1)
    const own = this.#gates.of(tool)
    return this.#add({
      top,
      dependencies: [...after],
      gates: own.length === 0 ? gates : [...gates, ...own],
      ...(samples === undefined ? { isUnknown: true } : { samples }),
    })
  }

  #countChildren(group: FanOut | Repetition, place: string): number | undefined {
    const count = countLiteral(group) ?? this.#history.childCountOf(this.#workflow, place, group.kind)
    if (count === undefined) this.#unknownCounts.add(place)
    // The document may have changed since.
    return count !== undefined && group.kind === 'repeat' ? Math.min(count, group.maxTimes) : count
  }

  #add({ dependencies = [], gates = [], delayMs = 0, ...node }: Partial<FlatNode> & Pick<FlatNode, 'top'>): number {
    this.#nodes.push({ ...node, dependencies, gates, delayMs })
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
