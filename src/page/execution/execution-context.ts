import { type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { GraphTask } from '../../host/details/execution-graph.ts'
import type { ExecutionModel } from '../model/execution-model.ts'

/** What the views of one execution share. */
export interface ExecutionContext {
  readonly model: ExecutionModel
  /** The tasks of the document, once they are known. */
  readonly graph: ReadonlySignal<ReadonlyMap<string, GraphTask> | undefined>
  /** The page is a file: there is no server to ask. */
  readonly isOffline: boolean
  readonly filter: Signal<string>
  readonly status: Signal<string>
  /** Groups that a person has opened or folded. */
  readonly opened: Signal<ReadonlyMap<string, boolean>>
}

export function createContext(
  model: ExecutionModel,
  graph: ReadonlySignal<ReadonlyMap<string, GraphTask> | undefined>,
  isOffline: boolean,
): ExecutionContext {
  return { model, graph, isOffline, filter: signal(''), status: signal(''), opened: signal(new Map()) }
}

/** Opens or folds a group. */
export function setOpened({ opened }: ExecutionContext, taskId: string, isOpen: boolean): void {
  opened.value = new Map(opened.peek()).set(taskId, isOpen)
}

/** The ids that a task depends on; `undefined` where they are not known. */
export function dependenciesOf({ model, graph }: ExecutionContext, taskId: string): readonly string[] | undefined {
  const added = model.fold.trace.tasks.get(taskId)?.dependsOn
  return added ?? graph.peek()?.get(taskId)?.dependsOn
}
