import type { Condition } from '../conditions/condition.ts'
import type { JsonValue } from '../events/json-value.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import type { RetryPolicy, RunOn, WorkflowIssue } from './document.ts'
import type { Template } from './template.ts'
import type { InputCheck, InputReference } from './workflow-input.ts'

/** The result of the checks of a document. */
export interface CheckedDocument {
  readonly name?: string
  /** First those of `tasks`, then those of `finally`: all if no issue was added, otherwise only the valid ones. */
  readonly tasks: readonly CheckedTask[]
  /** Every task with a usable id, valid or not, in the same order: sufficient to find cycles. */
  readonly nodes: readonly TaskNode[]
  /** Index of the first task of `finally`. */
  readonly mainCount: number
  /** JSON Pointer of the document. */
  readonly pointer: string
  /** The workflows that its tasks hold, valid or not. */
  readonly nested: readonly CheckedDocument[]
  /** Whether an end of a task depends on more than its tool and the success of its dependencies. */
  readonly usesLanguage: boolean
  readonly finallyTimeoutMs?: number
  readonly output?: Template
  readonly inputCheck?: InputCheck
  /** References of all tasks and of the output. */
  readonly inputReferences: readonly InputReference[]
}

/** A task as a node of the graph. */
export interface TaskNode {
  /** Its index in the document; those of `finally` follow those of `tasks`. */
  readonly index: number
  readonly id: string
  /** Document indices of its dependencies, listed or referred to: unique, ascending, each of them a node. */
  readonly dependencies: readonly number[]
}

/** A task that has passed its checks. */
export interface CheckedTask extends TaskNode {
  /** A placeholder, of a task that runs a workflow. */
  readonly tool: RegisteredTool
  readonly arguments: Template
  readonly inputReferences: readonly InputReference[]
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
  /** @defaultValue 1 */
  readonly estimatedMs: number
  readonly name?: string
  /** Those of its dependencies that it refers to. Absent if the document does not use the language. */
  readonly reads?: readonly number[]
  readonly words?: TaskWords
}

/** The fields by which a task is more than one tool call after the success of its dependencies. */
export interface TaskWords {
  readonly runOn?: Exclude<RunOn, 'success'>
  readonly when?: Condition
  readonly optional?: { readonly default: JsonValue }
  readonly approve?: ApprovalWords
  readonly forEach?: ItemWords
  readonly repeat?: RoundWords
  readonly workflow?: NestedWorkflow
  readonly cache?: CacheWords
}

/** When an earlier output is taken. */
export interface CacheWords {
  readonly ttlMs: number
  /** Stands for the arguments. */
  readonly key?: Template
  /** The tool is not read-only. */
  readonly effects?: true
}

/** The approval of a task. */
export interface ApprovalWords {
  /** Absent for a question that names the task. */
  readonly message?: Template
  readonly expiresMs?: number
  /** Whether each item has its own: the message names the item. */
  readonly isOfItem: boolean
}

/** The items of a task. */
export interface ItemWords {
  readonly items: ItemSource
  readonly concurrency?: number
  readonly tolerate: Tolerance
}

/** A list, or the product of named lists: the last key changes fastest. */
export type ItemSource =
  | { readonly kind: 'list'; readonly list: Template }
  | { readonly kind: 'product'; readonly keys: readonly string[]; readonly lists: readonly Template[] }

/** Number of items that may fail: a number, or a share of all items from 0 to 1, rounded down (see `countTolerated`). */
export type Tolerance = { readonly count: number } | { readonly share: number }

/** The rounds of a task. */
export interface RoundWords {
  readonly until?: Condition
  readonly everyMs: number
  readonly factor: number
  readonly maxTimes: number
  readonly onExhausted: 'fail' | 'keep'
}

/** The workflow that a task runs: one that it holds, or a registered one. */
export type NestedWorkflow =
  | { readonly document: CheckedDocument }
  | { readonly name: string; readonly known: KnownWorkflow }

/** Ids of tasks that are the same in each execution, with those of the workflows that the tasks run. */
export interface TaskTree extends ReadonlyMap<string, TaskTree | undefined> {}

/** The properties of a registered workflow that the checks use. */
export interface KnownWorkflow {
  readonly inputCheck: InputCheck | undefined
  /** Depth of the workflows nested in it. */
  readonly depth: number
  readonly tree: TaskTree
}

/** Finds registered workflows. */
export interface WorkflowLookup {
  names(): Iterable<string>
  /** @returns `undefined` if there is none */
  find(name: string): KnownWorkflow | UnusableWorkflow | undefined
}

/** A registered workflow that no task can run. */
export interface UnusableWorkflow {
  /** Names of workflows, each running the next, the first repeated at the end; the document is in this circle. */
  readonly circle?: readonly string[]
  /** Its problems. */
  readonly issues: readonly WorkflowIssue[]
}
