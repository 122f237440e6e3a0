/** A workflow: the document a program hands in, in memory or as JSON. */
export interface DAGStructure {
  readonly name?: string
  readonly description?: string
  /** Ids must be unique; the order is the order of ties. */
  readonly tasks: readonly DAGTask[]
}

/** One call of one tool. */
export interface DAGTask {
  /** 1–200 characters, no control character, `[` or `]`; neither `.` nor `..`. */
  readonly id: string
  /** The name of a registered tool; MCP tools are `server:tool`. */
  readonly tool: string
  /** JSON; its strings may hold references. Default `{}`. */
  readonly arguments?: Readonly<Record<string, unknown>>
  /** Ids of tasks that must succeed first, beside those that the arguments refer to. */
  readonly dependsOn?: readonly string[]
  /** Another spelling of `dependsOn`; a task has one of the two. */
  readonly depends_on?: readonly string[]
  /** Per attempt, ms; 0 for none. Default: the tool's, else the executor's `taskTimeoutMs`. */
  readonly timeoutMs?: number
  readonly retry?: RetryPolicy
  /** How long the task is expected to take, in any unit, the same for all; default 1. It orders `dataflow`. */
  readonly estimatedMs?: number
  readonly name?: string
  readonly description?: string
}

/** When and how often a failed attempt is followed by another. */
export interface RetryPolicy {
  /** Attempts in all, ≥ 1; default 1. */
  readonly maxAttempts?: number
  /** Before the second attempt, ms; default 1,000. */
  readonly initialDelayMs?: number
  /** Each further delay is this many times the one before, ≥ 1; default 2. */
  readonly factor?: number
  /** No delay is longer, ms; default 10,000. */
  readonly maxDelayMs?: number
  /** Each delay varies by up to this share of itself, 0–1; default 0.1. */
  readonly jitter?: number
}

/** Why a document is refused. */
export type IssueCode =
  | 'INVALID_SHAPE'
  | 'DUPLICATE_KEY'
  | 'DUPLICATE_TASK_ID'
  | 'SELF_DEPENDENCY'
  | 'UNKNOWN_DEPENDENCY'
  | 'UNKNOWN_TOOL'
  | 'CYCLE'
  | 'INVALID_ARGUMENTS'
  | 'INVALID_REFERENCE'
  | 'UNKNOWN_REFERENCE'
  | 'LIMIT_EXCEEDED'

/** One problem of a document. */
export interface WorkflowIssue {
  readonly code: IssueCode
  /** JSON Pointer (RFC 6901) into the document as it was sent. */
  readonly pointer: string
  /** What was expected and what was found. */
  readonly message: string
  /** How to mend it, where that can be guessed. */
  readonly hint?: string
  /** For `CYCLE`: the ids around it, each depending on the next, the first repeated at the end. */
  readonly path?: readonly string[]
}

/** The bounds of what is accepted. */
export interface Limits {
  /** Tasks of a workflow. */
  readonly maxTasks: number
  /** Nesting of a document, levels of objects and arrays. */
  readonly maxNesting: number
  /** A request's body, bytes. */
  readonly maxBodyBytes: number
  /** One output's JSON, bytes. */
  readonly maxOutputBytes: number
  /** What the references of one attempt insert: characters, and 32 more for each value among them. */
  readonly maxInserted: number
  /** All outputs of an execution, bytes of JSON. */
  readonly maxExecutionOutputBytes: number
  /** A message of an event, bytes of UTF-8; longer ones are cut. */
  readonly maxMessageBytes: number
  /** Issues reported; the total is told beside them. */
  readonly maxIssues: number
}

/** The defaults, in one table. */
export const LIMITS: Limits = Object.freeze({
  maxTasks: 100_000,
  maxNesting: 64,
  maxBodyBytes: 1024 * 1024,
  maxOutputBytes: 10 * 1024 * 1024,
  maxInserted: 32 * 1024 * 1024,
  maxExecutionOutputBytes: 256 * 1024 * 1024,
  maxMessageBytes: 8 * 1024,
  maxIssues: 100,
})
