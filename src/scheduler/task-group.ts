import type { EventFor, Schedule, Stop } from '../events/events.ts'
import type { ExecutionPlan, Group, PlannedTask } from '../plan/execution-plan.ts'
import type { GrownTasks } from '../plan/growing-plan.ts'
import { countTolerated } from '../workflow/words/tolerance.ts'
import type { ExecutionHistory } from './execution-history.ts'
import { LayerGate, type LayerSource } from './layer-gate.ts'

/** Progress of a group towards its `finally` tasks. */
interface Finale {
  /** Number of other tasks of the group whose end is not decided. */
  undecidedCount: number
  gate: LayerGate
  /** Whether all others have ended. */
  isOpen: boolean
}

/** Shared empty list of groups without items or rounds; must not be changed. */
const NONE: number[] = []

/** Tasks that are started, stopped and ended together: the tasks of a workflow, or the children of one parent. */
export class TaskGroup {
  /** Index of its parent; −1 for the tasks of the document. */
  readonly parent: number
  /** The group of its parent. */
  readonly outer: TaskGroup | undefined
  /** The definition of its parent's children; `undefined` for the document. */
  readonly definition: Group | undefined
  /** For a workflow: its plan, and the index of its first task, −1 before its tasks are added. */
  readonly plan: ExecutionPlan | undefined
  base: number
  /** What the ids of its tasks begin with, before their ids in their own workflow or plan. */
  readonly prefix: string
  /** Finds the plans of tasks that join it. */
  grown: GrownTasks | undefined
  /** Whether no task joins it by a plan that is still being written. */
  isSealed = true
  /** Whether tools that are not read-only wait for that. */
  holdsWrites = false
  /** Indices of the items or rounds, in order; of a plan, of the planner and its tasks. */
  readonly children: number[] = NONE
  /** For a fan-out: the number of its items. */
  readonly itemCount: number
  /** Run time of the execution when the group was opened, ms. */
  readonly openedAtMs: number
  /** Run time of the execution when its `finally` tasks could start, ms. */
  finallyAtMs = 0
  /** Number of tasks that have not settled. */
  unsettledCount = 0
  /** Number of failed tasks, without tolerated failures. */
  failedCount = 0
  /** The first failed task. */
  firstFailed: number | undefined
  /** The reason for which no task starts, apart from `finally` tasks. */
  stop: Stop | undefined
  /** The reason for which no `finally` task starts either. */
  finallyStop: Stop | undefined
  /** The failure of the parent caused by the stop. */
  failure: EventFor<'tasks_stopping'>['data']['failure']
  readonly gate: LayerGate | undefined
  readonly #finale: Finale | undefined

  constructor(given: {
    readonly parent: number
    readonly outer?: TaskGroup | undefined
    readonly definition?: Group | undefined
    readonly plan?: ExecutionPlan | undefined
    readonly itemCount?: number | undefined
    readonly openedAtMs?: number
    /** @defaultValue none */
    readonly prefix?: string
    readonly schedule: Schedule
    /** The layers of its tasks without `finally` tasks. @defaultValue those of the plan */
    readonly layers?: LayerSource
  }) {
    const { plan, schedule } = given
    this.parent = given.parent
    this.base = given.parent < 0 ? 0 : -1
    this.outer = given.outer
    this.definition = given.definition
    this.plan = plan
    this.prefix = given.prefix ?? ''
    this.itemCount = given.itemCount ?? 0
    this.openedAtMs = given.openedAtMs ?? 0
    if (plan === undefined) {
      this.children = []
      return
    }
    this.gate = new LayerGate(given.layers ?? this.#layers(plan, 0, plan.finallyLayer), schedule)
    if (plan.mainCount === plan.tasks.length) return
    this.#finale = {
      undecidedCount: plan.mainCount,
      gate: new LayerGate(this.#layers(plan, plan.finallyLayer, plan.layerIndices.length), schedule),
      isOpen: false,
    }
  }

  #layers(plan: ExecutionPlan, from: number, to: number): LayerSource {
    return {
      layerCount: to - from,
      sizeOfLayer: layer => (plan.layerIndices[from + layer] as readonly number[]).length,
      tasksOfLayer: layer => (plan.layerIndices[from + layer] as readonly number[]).map(local => this.base + local),
    }
  }

  /** Whether a task of it is one of its `finally` tasks. */
  isFinally(task: number): boolean {
    return this.#finale !== undefined && this.#isFinally(task, this.plan as ExecutionPlan)
  }

  /** Whether it has `finally` tasks that can start now or have started. */
  get isFinallyOpen(): boolean {
    return this.#finale?.isOpen ?? false
  }

  get hasFinally(): boolean {
    return this.#finale !== undefined
  }

  /** Whether a task of it plans the others. */
  isPlanner(task: number): boolean {
    return this.definition?.kind === 'plan' && this.children[0] === task
  }

  /** Whether a task of it may start once its dependencies allow it. @param layer of the task, in the document */
  isOpenFor(task: number, layer: number): boolean {
    if (this.plan === undefined) return true
    const place = this.#finale === undefined ? undefined : this.#finallyLayerOf(task)
    if (place === undefined) return (this.gate as LayerGate).isOpen(this.#layerOf(task, layer))
    return this.#finale?.isOpen === true && this.#finale.gate.isOpen(place)
  }

  /** The end of a task is decided. @param layer of the task, in the document */
  leave(task: number, layer: number): void {
    if (this.plan === undefined) return
    const place = this.#finale === undefined ? undefined : this.#finallyLayerOf(task)
    if (place !== undefined) return this.#finale?.gate.leave(place)
    this.gate?.leave(this.#layerOf(task, layer))
    if (this.#finale !== undefined) this.#finale.undecidedCount -= 1
  }

  /**
   * Reverts `leave` for a task that was chosen to start before a stop ended it. `finally` tasks wait for it again.
   * @param layer of the task, in the document
   */
  rejoin(task: number, layer: number): void {
    if (this.plan === undefined) return
    const place = this.#finale === undefined ? undefined : this.#finallyLayerOf(task)
    if (place !== undefined) return this.#finale?.gate.enter(place)
    this.gate?.enter(this.#layerOf(task, layer))
    if (this.#finale === undefined) return
    this.#finale.undecidedCount += 1
    this.#finale.isOpen = false
  }

  /** Adds a task of the document to a layer. @param layer of the task */
  enter(layer: number): void {
    this.gate?.enter(layer)
    if (this.#finale !== undefined) this.#finale.undecidedCount += 1
  }

  countFailure(task: number): void {
    this.failedCount += 1
    this.firstFailed ??= task
  }

  /** Opens the next tasks that may start. @returns them; `undefined` while open ones have not ended, or if none is left */
  advance(history: ExecutionHistory): readonly number[] | undefined {
    if (this.base < 0) return undefined
    const next = this.stop === undefined ? this.gate?.advance() : undefined
    if (next !== undefined || this.#finale === undefined || this.#finale.undecidedCount > 0) return next
    if (!this.#finale.isOpen) {
      this.#finale.isOpen = true
      this.finallyAtMs = history.executionTimeMs
      // Layers may be open already: under `dataflow` all of them are, and after a `rejoin` some.
      if (this.#finale.gate.opened >= 0) return this.finallyTasks()
    }
    return this.#finale.gate.advance()
  }

  /** Whether its parent needs a decision after the end of a task: for a workflow only at its end, or for `finally`. */
  get isParentDue(): boolean {
    return this.parent >= 0 && (this.plan === undefined || this.unsettledCount === 0 || this.isFinallyOpen)
  }

  /** Indices in its plan of tasks without dependencies, if all layers are open; otherwise empty. */
  firstTasks(): readonly number[] {
    const { plan, gate } = this
    if (plan === undefined || gate?.opened !== Number.POSITIVE_INFINITY || plan.finallyLayer === 0) return []
    return plan.layerIndices[0] ?? []
  }

  /** Its `finally` tasks. */
  finallyTasks(): number[] {
    const { plan } = this
    if (plan === undefined) return []
    return Array.from({ length: plan.tasks.length - plan.mainCount }, (_, at) => this.base + plan.mainCount + at)
  }

  /** Number of items that may fail; 0 for other groups. */
  get toleratedCount(): number {
    return this.definition?.kind === 'forEach' ? countTolerated(this.definition.tolerate, this.itemCount) : 0
  }

  #isFinally(task: number, { mainCount, tasks }: ExecutionPlan): boolean {
    const local = task - this.base
    return local >= mainCount && local < tasks.length
  }

  #finallyLayerOf(task: number): number | undefined {
    const plan = this.plan as ExecutionPlan
    if (!this.#isFinally(task, plan)) return undefined
    return (plan.tasks[task - this.base] as PlannedTask).layer - plan.finallyLayer
  }

  /** In the plan of the group. */
  #layerOf(task: number, layer: number): number {
    return this.outer === undefined
      ? layer
      : ((this.plan as ExecutionPlan).tasks[task - this.base] as PlannedTask).layer
  }
}
