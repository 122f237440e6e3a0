import { isInFinally } from '../ancestors.ts'
import type { EventFor } from '../../events/events.ts'
import type { StartQueue } from '../start-queue.ts'
import { PHASE, type TaskColumns } from '../task-columns.ts'
import type { TaskGraph } from '../task-graph.ts'
import { PersonWait } from './person-wait.ts'
import { type Approval, TaskInputs } from './task-inputs.ts'

/** The effects of questions on the tasks that ask them: they wait, and continue once their last open question is closed. */
export class InputProgress {
  readonly records: TaskInputs = new TaskInputs()
  /** How long the execution only waited for people. */
  readonly wait: PersonWait = new PersonWait()
  readonly #graph: TaskGraph
  readonly #columns: TaskColumns
  readonly #starts: StartQueue
  readonly #onReady: (task: number, now: number) => void

  constructor(
    graph: TaskGraph,
    columns: TaskColumns,
    starts: StartQueue,
    onReady: (task: number, now: number) => void,
  ) {
    this.#graph = graph
    this.#columns = columns
    this.#starts = starts
    this.#onReady = onReady
  }

  approvalOf(task: number): Approval | undefined {
    return this.records.approvalOf(task)
  }

  required(task: number, data: EventFor<'input_required'>['data']): void {
    const { phase, attempts } = this.#columns
    this.records.required(task, data)
    if (phase[task] === PHASE.running) this.#starts.pass(task, PHASE.waiting)
    else if (phase[task] === PHASE.ready && attempts[task] === 0) phase[task] = PHASE.waiting
  }

  resolved(task: number, data: EventFor<'input_resolved'>['data'], now: number): void {
    const { phase, attempts } = this.#columns
    if (!this.records.resolved(task, data) || phase[task] !== PHASE.waiting) return
    if (attempts[task] === 0) this.#onReady(task, now)
    else this.#starts.pass(task, PHASE.running)
  }

  /** An event has been applied. @param timestamp ISO 8601 */
  applied(timestamp: string): void {
    if (!this.records.areUnused) this.wait.update(this.#onlyWaits(), timestamp)
  }

  /** Whether it only waits for people, and none but `finally` tasks do. */
  get isFinallyWaiting(): boolean {
    if (!this.wait.isWaiting) return false
    const { phase } = this.#columns
    for (let task = 0; task < this.#graph.size; task++) {
      if (phase[task] === PHASE.waiting && !isInFinally(this.#graph, task)) return false
    }
    return true
  }

  /** Whether some task waits for a person, and nothing runs without one. */
  #onlyWaits(): boolean {
    if (this.#starts.runningCount > 0) return false
    const { phase } = this.#columns
    let isWaiting = false
    for (let task = 0; task < this.#graph.size; task++) {
      switch (phase[task]) {
        case PHASE.waiting:
          isWaiting = true
          break
        case PHASE.open:
          // It ends, or makes another round.
          if (this.#graph.groupBelow(task)?.unsettledCount === 0) return false
          break
        case PHASE.blocked:
        case PHASE.settled:
          break
        default:
          return false
      }
    }
    return isWaiting
  }
}
