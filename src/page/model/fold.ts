import type { EventFor, SSEEvent } from '../../events/events.ts'
import { createState, type ExecutionState } from '../../events/execution-state.ts'
import { RunClock } from '../../events/run-clock.ts'
import { applyEvent } from '../../events/state.ts'
import { Trace } from './trace.ts'

/** An event with its place in the log; 0 for one that is not logged. */
export interface PlacedEvent {
  readonly event: SSEEvent
  readonly seq: number
}

/** Maximum number of refused lines that are shown. */
const MAX_REJECTED = 100

/** What the events up to a place come to: the state by the one reducer, and the times beside it. */
export class Fold {
  readonly state: ExecutionState
  readonly trace: Trace = new Trace()
  /** Tasks by the task that added them, in the order of their events. */
  readonly children: Map<string, string[]> = new Map()
  readonly runClock: RunClock = new RunClock()
  /** The first lines of its plan that were refused. */
  readonly rejected: EventFor<'plan_rejected'>['data'][] = []
  /** Ids of the tasks without a parent, in the order of the layers. */
  top: string[] = []
  /** Changes whenever tasks join or leave: their number may stay the same. */
  shape = 0

  constructor(executionId: string) {
    this.state = createState(executionId)
  }

  apply({ event, seq }: PlacedEvent): void {
    applyEvent(this.state, event, seq)
    this.runClock.apply(event)
    this.trace.apply(event)
    if (event.type === 'execution_start' || event.type === 'snapshot') this.#index()
    else if (event.type === 'tasks_added') {
      this.shape += 1
      const { parentId, tasks } = event.data
      const list = parentId === undefined ? this.top : this.#childrenOf(parentId)
      for (const { taskId } of tasks) list.push(taskId)
    } else if (event.type === 'tasks_removed') {
      this.shape += 1
      const gone = new Set(event.data.taskIds)
      this.top = this.top.filter(id => !gone.has(id))
    } else if (event.type === 'plan_rejected' && this.rejected.length < MAX_REJECTED) this.rejected.push(event.data)
  }

  #childrenOf(parentId: string): string[] {
    let list = this.children.get(parentId)
    if (list === undefined) this.children.set(parentId, (list = []))
    return list
  }

  #index(): void {
    this.shape += 1
    this.children.clear()
    this.top = []
    for (const { taskId, parentId } of this.state.tasks.values()) {
      if (parentId === undefined) this.top.push(taskId)
      else this.#childrenOf(parentId).push(taskId)
    }
  }
}
