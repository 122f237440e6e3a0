import type { SSEEvent } from '../../events/events.ts'
import { createState, type ExecutionState } from '../../events/execution-state.ts'
import { applyEvent } from '../../events/state.ts'
import { Trace } from './trace.ts'

/** An event with its place in the log; 0 for one that is not logged. */
export interface PlacedEvent {
  readonly event: SSEEvent
  readonly seq: number
}

/** What the events up to a place come to: the state by the one reducer, and the times beside it. */
export class Fold {
  readonly state: ExecutionState
  readonly trace: Trace = new Trace()
  /** Tasks by the task that added them, in the order of their events. */
  readonly children: Map<string, string[]> = new Map()
  /** Ids of the tasks without a parent, in the order of the layers. */
  top: string[] = []

  constructor(executionId: string) {
    this.state = createState(executionId)
  }

  apply({ event, seq }: PlacedEvent): void {
    applyEvent(this.state, event, seq)
    this.trace.apply(event)
    if (event.type === 'execution_start' || event.type === 'snapshot') this.#index()
    else if (event.type === 'tasks_added') {
      const { parentId, tasks } = event.data
      const list = parentId === undefined ? this.top : this.#childrenOf(parentId)
      for (const { taskId } of tasks) list.push(taskId)
    }
  }

  #childrenOf(parentId: string): string[] {
    let list = this.children.get(parentId)
    if (list === undefined) this.children.set(parentId, (list = []))
    return list
  }

  #index(): void {
    this.children.clear()
    this.top = []
    for (const { taskId, parentId } of this.state.tasks.values()) {
      if (parentId === undefined) this.top.push(taskId)
      else this.#childrenOf(parentId).push(taskId)
    }
  }
}
