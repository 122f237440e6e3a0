import type { DAGStructure, DAGTask } from '../../src/index.ts'
import type { Condition } from './condition.ts'
import type { Json } from './reference-template.ts'

/** A task of a document. */
export type Task = DAGStructure['tasks'][number]

/** The fields of a task apart from what it calls. */
export type TaskFields = Partial<Omit<DAGTask, 'id' | 'tool' | 'workflow'>>

/** One attempt. */
export interface Call {
  readonly tool: string
  readonly taskId: string
  /** From 1. */
  readonly attempt: number
  readonly args: Json
}

/** What a tool does: the output, or the code of its error (`isFinal`: not retried). */
export type Behaviour = (call: Call) => { readonly output: Json } | { readonly code: string; readonly isFinal: boolean }

/** Everything an execution depends on besides its document. */
export interface Surroundings {
  readonly input?: Json
  /** Registered workflows. */
  readonly workflows?: Readonly<Record<string, DAGStructure>>
  /** Each condition of the documents, by its text. */
  readonly conditions?: ReadonlyMap<string, Condition>
  readonly behave: Behaviour
}
