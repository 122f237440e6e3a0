import type { JsonSchema } from '../tools/tool.ts'

/** A workflow document, in memory or as JSON. */
export interface DAGStructure {
  readonly name?: string
  readonly description?: string
  /** Ids must be unique. Document order breaks ties. */
  readonly tasks: readonly (DAGTask | DAGWorkflowTask)[]
  /** Tasks that run once all others have settled, with any status. */
  readonly finally?: readonly (DAGTask | DAGWorkflowTask)[]
  /** Maximum time for all `finally` tasks together, ms; 0 for no bound. Default: the option of the same name, 60,000. */
  readonly finallyTimeoutMs?: number
  /** JSON Schema of the input. */
  readonly inputSchema?: JsonSchema
  /** JSON with references: the output of the workflow. */
  readonly output?: unknown
  /** Where the schema of workflows is, for editors; ignored otherwise. */
  readonly $schema?: string
}

/** A workflow with the registered workflows that it names, at any depth: the form in which stores keep it. */
export interface RecordedWorkflow extends DAGStructure {
  readonly workflows?: Readonly<Record<string, DAGStructure>>
}

/**
 * When a task runs: once every dependency succeeded; once all have settled and one failed; once all have settled in any
 * way.
 */
export type RunOn = 'success' | 'failure' | 'settled'

/** A call of a tool: once, for each of many items, or repeatedly. */
export interface DAGTask extends DAGTaskFields {
  /** The name of a registered tool; MCP tools are `server:tool`. */
  readonly tool: string
  readonly workflow?: undefined
}

/** A task that runs another workflow: once, for each of many items, or repeatedly. */
export interface DAGWorkflowTask extends DAGTaskFields {
  /** A workflow, or the name of a registered one. */
  readonly workflow: string | DAGStructure
  readonly tool?: undefined
}

/** The fields of a task, except for `tool` and `workflow`. */
export interface DAGTaskFields {
  /** 1–200 characters, no control character, `[` or `]`; neither `.` nor `..`. */
  readonly id: string
  /** JSON; its strings may hold references. The input of a `workflow`. @defaultValue `{}` */
  readonly arguments?: Readonly<Record<string, unknown>>
  /** Ids of tasks that must succeed first, in addition to those that the arguments refer to. */
  readonly dependsOn?: readonly string[]
  /** Alternative spelling of `dependsOn`; a task may have only one of the two. */
  readonly depends_on?: readonly string[]
  /** Timeout per attempt, ms; 0 for none. Default: the tool's `timeoutMs`, else the executor's `taskTimeoutMs`. */
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
  /** Expected duration, in any unit that all tasks share. Orders `dataflow`. @defaultValue 1 */
  readonly estimatedMs?: number
  readonly name?: string
  readonly description?: string
  /** CEL expression; the task is skipped if it is false. */
  readonly when?: string
  /** @defaultValue `success` */
  readonly runOn?: RunOn
  /**
   * Asks a person before the first attempt: `true`, the question, or an object. Its text may hold references. Declined and
   * expired, the task fails with `INPUT_DECLINED`. That of a `forEach` is asked once, or for each item if it names the item.
   * @defaultValue false
   */
  readonly approve?: boolean | string | ApprovePolicy
  /** Whether its failure is tolerated. @defaultValue false */
  readonly optional?: boolean
  /** JSON that dependents read if the optional task fails. @defaultValue null */
  readonly default?: unknown
  /** One child per item: an array, a reference to one, or an object of arrays (their product, the last key fastest). */
  readonly forEach?: unknown
  /** Maximum number of items in flight. Default: no bound of its own */
  readonly concurrency?: number
  /** Number of items that may fail, or a share such as `"10%"`. @defaultValue 0 */
  readonly tolerate?: number | string
  readonly repeat?: RepeatPolicy
  readonly cache?: CachePolicy
}

/** Whether an output that an earlier call gave is taken instead of a call. */
export interface CachePolicy {
  /** Maximum age of the output, ms. */
  readonly ttlMs: number
  /** JSON with references that stands for the arguments: calls with the same key are the same. @defaultValue the arguments */
  readonly key?: unknown
  /** Required of a tool that is not `readOnly`: its effects are left out, too. @defaultValue false */
  readonly effects?: boolean
}

/** The approval that a task needs before it starts. */
export interface ApprovePolicy {
  /** Default: a question that names the task and its tool. */
  readonly message?: string
  /** How long the question is open, ms; then the task is declined. Default: no bound */
  readonly expiresMs?: number
}

/** How often a task is repeated. */
export interface RepeatPolicy {
  /** CEL expression over `result`, `index` and `input`; ends the repetition when true. */
  readonly until?: string
  /** Delay after the first round, ms. @defaultValue 0 */
  readonly everyMs?: number
  /** Factor by which each delay exceeds the previous one, ≥ 1. @defaultValue 1 */
  readonly factor?: number
  /** Maximum number of rounds, 1–1,000. */
  readonly maxTimes: number
  /** What happens if `until` was never true. @defaultValue `fail` */
  readonly onExhausted?: 'fail' | 'keep'
}

/** When and how often a failed attempt is retried. */
export interface RetryPolicy {
  /** Total number of attempts, ≥ 1. @defaultValue 1 */
  readonly maxAttempts?: number
  /** Delay before the second attempt, ms. @defaultValue 1,000 */
  readonly initialDelayMs?: number
  /** Factor by which each delay exceeds the previous one, ≥ 1. @defaultValue 2 */
  readonly factor?: number
  /** Maximum delay, ms. @defaultValue 10,000 */
  readonly maxDelayMs?: number
  /** Maximum random variation of each delay, as a fraction of it, 0–1. @defaultValue 0.1 */
  readonly jitter?: number
}

/** Why a document is refused. */
export type IssueCode =
  | 'INVALID_SHAPE'
  | 'DUPLICATE_KEY'
  | 'DUPLICATE_TASK_ID'
  | 'SELF_DEPENDENCY'
  | 'UNKNOWN_DEPENDENCY'
  | 'FORWARD_DEPENDENCY'
  | 'UNKNOWN_TOOL'
  | 'CYCLE'
  | 'INVALID_ARGUMENTS'
  | 'INVALID_REFERENCE'
  | 'UNKNOWN_REFERENCE'
  | 'LIMIT_EXCEEDED'
  | 'INVALID_CONDITION'
  | 'UNKNOWN_WORKFLOW'
  | 'RECURSIVE_WORKFLOW'
  | 'INVALID_ITEMS'
  | 'INVALID_INPUT'

/** One problem of a document. */
export interface WorkflowIssue {
  readonly code: IssueCode
  /** JSON Pointer (RFC 6901) into the document as received. */
  readonly pointer: string
  /** Names the expected and the found value. */
  readonly message: string
  /**
   * Where the pointer leads, if not into the document that was sent: into the input; of a patch, into the document that would
   * result from it.
   */
  readonly in?: 'input' | 'document'
  /** Likely fix, if one is known. */
  readonly hint?: string
  /**
   * For `CYCLE`: the ids of the cycle, each depending on the next, the first repeated at the end. For
   * `RECURSIVE_WORKFLOW`: the names of the workflows, each running the next, likewise.
   */
  readonly path?: readonly string[]
  /**
   * Line of the value that the pointer leads to, of an unknown field its key; from 1. Only where the text is known: from the
   * command line and the server.
   */
  readonly line?: number
  /** Column in UTF-16 units, from 1. Always beside `line`. */
  readonly column?: number
}

/** Limits of documents, outputs and messages. */
export interface Limits {
  /** Maximum number of tasks of a workflow. */
  readonly maxTasks: number
  /** Maximum number of tasks of an execution, with those that are added while it runs. */
  readonly maxExecutionTasks: number
  /** Maximum number of items of a `forEach`, by default. */
  readonly maxItems: number
  /** Maximum depth of nested workflows below the document. */
  readonly maxDepth: number
  /** Maximum nesting of a document, levels of objects and arrays. */
  readonly maxNesting: number
  /** Maximum size of a request body, bytes. */
  readonly maxBodyBytes: number
  /** Maximum size of one output, bytes of JSON. */
  readonly maxOutputBytes: number
  /** Maximum total size that the references of one attempt insert: characters, plus 32 per inserted value. */
  readonly maxInserted: number
  /** Maximum total size of the outputs of an execution, bytes of JSON. */
  readonly maxExecutionOutputBytes: number
  /** Maximum size of an event's message, bytes of UTF-8; a longer one is cut. */
  readonly maxMessageBytes: number
  /** Maximum number of reported issues. The total is reported separately. */
  readonly maxIssues: number
}

/** The default limits. */
export const LIMITS: Limits = Object.freeze({
  maxTasks: 100_000,
  maxExecutionTasks: 100_000,
  maxItems: 10_000,
  maxDepth: 8,
  maxNesting: 64,
  maxBodyBytes: 1024 * 1024,
  maxOutputBytes: 10 * 1024 * 1024,
  maxInserted: 32 * 1024 * 1024,
  maxExecutionOutputBytes: 256 * 1024 * 1024,
  maxMessageBytes: 8 * 1024,
  maxIssues: 100,
})
