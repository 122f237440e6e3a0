import type { EventFor, Schedule, Stop } from '../events/events.ts'
import type { ExecutionPlan, Group, PlannedTask } from '../plan/execution-plan.ts'
import { countTolerated } from '../workflow/words/tolerance.ts'
import type { ExecutionHistory } from './execution-history.ts'
import { LayerGate, type LayerSource } from './layer-gate.ts'

/** How far a group has come that has `finally` tasks. */
interface Finale {
  /** The group's other tasks whose end is not decided. */
  undecidedCount: number
  gate: LayerGate
  /** The others have all ended. */
  isOpen: boolean
}

/** Of groups without items or rounds; never changed. */
const NONE: number[] = []

/** Tasks that start, are stopped and end together: those of a workflow, or the children of one parent. */
export class TaskGroup {
  /** Index of its parent; −1 for the tasks of the document. */
  readonly parent: number
  /** The group of its parent. */
  readonly outer: TaskGroup | undefined
  /** How its parent makes its children; `undefined` for the document. */
  readonly definition: Group | undefined
  /** Of the tasks of a workflow: its plan, and the index of the first of them; −1 before they are added. */
  readonly plan: ExecutionPlan | undefined
  base: number
  /** Indices of the items or rounds, in order. */
  readonly children: number[] = NONE
  /** Of a fan-out: how many items it has. */
  readonly itemCount: number
  /** How long the execution had run when it was opened, ms. */
  readonly openedAtMs: number
  /** How long the execution had run when its `finally` tasks could start, ms. */
  finallyAtMs = 0
  /** Tasks that have not settled. */
  unsettledCount = 0
  /** Tasks that failed, without tolerated failures. */
  failedCount = 0
  /** The first of them. */
  firstFailed: number | undefined
  /** Why nothing of it starts, apart from its `finally` tasks. */
  stop: Stop | undefined
  /** Why nothing of it starts at all. */
  finallyStop: Stop | undefined
  /** How the parent fails because of its stop. */
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
    readonly schedule: Schedule
    /** The layers of its tasks but for `finally`. @defaultValue those of the plan */
    readonly layers?: LayerSource
  }) {
    const { plan, schedule } = given
    this.parent = given.parent
    this.base = given.parent < 0 ? 0 : -1
    this.outer = given.outer
    this.definition = given.definition
    this.plan = plan
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

  /** Whether it has `finally` tasks that could start now, or have. */
  get isFinallyOpen(): boolean {
    return this.#finale?.isOpen ?? false
  }

  get hasFinally(): boolean {
    return this.#finale !== undefined
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
   * The end of a task is not decided after all: it was chosen to start before a stop ended it. Its `finally` tasks wait again.
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

  /** A task joins the document. @param layer of the task */
  enter(layer: number): void {
    this.gate?.enter(layer)
    if (this.#finale !== undefined) this.#finale.undecidedCount += 1
  }

  countFailure(task: number): void {
    this.failedCount += 1
    this.firstFailed ??= task
  }

  /** Opens the next tasks that may start. @returns them, `undefined` while those that are open have not ended, or none is left */
  advance(history: ExecutionHistory): readonly number[] | undefined {
    if (this.base < 0) return undefined
    const next = this.stop === undefined ? this.gate?.advance() : undefined
    if (next !== undefined || this.#finale === undefined || this.#finale.undecidedCount > 0) return next
    if (!this.#finale.isOpen) {
      this.#finale.isOpen = true
      this.finallyAtMs = history.executionTimeMs
      // Under `dataflow` all layers are open from the start, after a `rejoin` some are.
      if (this.#finale.gate.opened >= 0) return this.finallyTasks()
    }
    return this.#finale.gate.advance()
  }

  /** Whether its parent has to look after it once a task has ended: that of a workflow only at its end, or for `finally`. */
  get isParentDue(): boolean {
    return this.parent >= 0 && (this.plan === undefined || this.unsettledCount === 0 || this.isFinallyOpen)
  }

  /** What could start before any task has ended, in its plan; none where layers open one after another. */
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

  /** How many of its items may fail; 0 for what is no fan-out. */
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
