import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { InfoLevel } from '../events/events.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import type { Limit } from './limit.ts'
import type { PlanRoom } from './plan-room.ts'
import type { Rate } from './rate.ts'

/** A JSON Schema (draft 2020-12 unless its `$schema` says otherwise). */
export type JsonSchema = Readonly<Record<string, unknown>>

/** A tool: a function that tasks call by name. */
export interface Tool<Args = Record<string, unknown>, Output = unknown> {
  /** 1–200 characters, no control character; MCP tools are `server:tool`. */
  readonly name: string
  /** Description for people and models. */
  readonly description?: string
  /**
   * 1–200 characters: change it when the same arguments come to give another output. Outputs of another version are not
   * taken over by forks, nor from the memory of outputs.
   */
  readonly version?: string
  /** Schema of the arguments. Checked before anything runs, and again, with references resolved, before each attempt. */
  readonly inputSchema?: JsonSchema | StandardSchemaV1<unknown, Args>
  /** Schema of the output, for documentation and for dry runs. Outputs are not checked. */
  readonly outputSchema?: JsonSchema
  /** `false`: `inputSchema` is only documentation, and arguments are not checked. @defaultValue true */
  readonly checkArguments?: boolean
  /**
   * Maximum number of concurrent calls, across executions: a number for this tool alone, or a `createLimit(n)` shared
   * between tools. Default: unlimited.
   */
  readonly limit?: number | Limit
  /**
   * How often calls may begin, across executions: a bucket of `max` calls (1–1,000,000) that fills again within `perMs`
   * (1–86,400,000), so at most `max` at once. The `retryAfterMs` of an error pauses all calls of the tool, for 5 minutes at
   * most. Default: unlimited.
   */
  readonly rate?: Rate
  /** Timeout per attempt, ms; 0 for none. A task's `timeoutMs` takes precedence. */
  readonly timeoutMs?: number
  /** Retry policy. A task's `retry` takes precedence, field by field. */
  readonly retry?: {
    readonly maxAttempts?: number
    readonly initialDelayMs?: number
    readonly factor?: number
    readonly maxDelayMs?: number
    readonly jitter?: number
  }
  /**
   * Whether argument numbers that no JavaScript number represents (integers beyond 2^53, numbers that overflow) arrive
   * as `JsonNumber`, with their digits. Use it for tools that pass values on or parse such numbers themselves. If
   * false, they arrive as the nearest double (`Infinity` beyond the largest one), and an `info` event of level
   * `warning` names their paths.
   * @defaultValue `false`
   */
  readonly exactNumbers?: boolean
  /** Whether calls have no side effects. Shown to people; never inferred. */
  readonly readOnly?: boolean
  /**
   * A task with this tool is a parent: its first child calls the tool, which adds the others by `context.plan`.
   * @internal
   */
  readonly planner?: true
  /**
   * Returns the arguments as people may see them: a copy without secrets. Values that a JSON Schema in `inputSchema` marks
   * `writeOnly` are masked without it. If it throws, no arguments are shown.
   */
  readonly maskArguments?: (args: Args) => unknown
  /**
   * Runs once per attempt. The output must be JSON: `undefined` becomes `null`, `NaN` and the infinities become `null`
   * with a warning that names their paths, a `JsonNumber` keeps its digits. A thrown error fails the attempt; its
   * `code` (a string), `retryable` (`false`: no further attempt) and `retryAfterMs` are honoured.
   */
  execute(args: Args, context: ToolContext): Output | Promise<Output>
}

/** A question of a tool to a person. */
export interface QuestionOptions {
  /** For people; over 8 KiB it is cut. */
  readonly message: string
  /** JSON Schema of the answer, at most 64 KiB; its checks are bounded in time. Without it any JSON is an answer. */
  readonly schema?: JsonSchema
  /** How long the question is open, by the clock of the wall, ms. Without it: until it is answered or the task ends. */
  readonly expiresMs?: number
  /** The answer of a question that expires; must fit the schema. Without it the question fails with `INPUT_EXPIRED`. */
  readonly default?: unknown
  /** The answer is kept apart from the log, is never shown, and is removed once the task has ended. @defaultValue false */
  readonly secret?: boolean
}

/**
 * Context of a running attempt. Its functions need no `this`; all but `ask` are synchronous and do nothing after the
 * attempt has ended.
 */
export interface ToolContext {
  /** Aborted when the attempt times out or its execution is cancelled. Created on first read. */
  readonly signal: AbortSignal
  readonly executionId: string
  readonly taskId: string
  /** From 1. */
  readonly attempt: number
  /** `executionId.taskId`, the same for every attempt, so that external systems can recognise a repeated call. */
  readonly idempotencyKey: string
  /** W3C `traceparent` of the attempt, to be sent along with requests. Absent without traces. */
  readonly traceparent?: string | undefined
  /** Streams a piece of text. */
  readonly emitToken: (text: string) => void
  readonly reportProgress: (progress: { progress: number; total?: number; message?: string }) => void
  /** Adds to the attempt's usage, which counts whatever the outcome of the attempt. */
  readonly reportUsage: (delta: Partial<TokenUsage>) => void
  readonly log: (level: InfoLevel, message: string) => void
  /**
   * Asks a person. Meanwhile the task holds no slot and no permit, and its time stands still. Several questions may be
   * open at once; the tool continues once the last of them is closed. After a crash the tool is called again and gets the
   * answers that were given: ask the same questions in the same order.
   *
   * Rejects with `INPUT_DECLINED`, `INPUT_EXPIRED`, `INPUT_MISMATCH` for another question than the earlier attempt asked,
   * `INVALID_QUESTION`, or the reason of `signal`. None is retried.
   */
  readonly ask: <Answer = unknown>(question: QuestionOptions) => Promise<Answer>
  /** Of a planner. Absent for other tools, and on workers. @internal */
  readonly plan?: PlanRoom | undefined
}

/** Declares a tool. A Standard Schema infers the types of its arguments. */
export function defineTool<Schema extends StandardSchemaV1, Output>(
  tool: Omit<Tool<StandardSchemaV1.InferOutput<Schema>, Output>, 'inputSchema'> & { readonly inputSchema: Schema },
): Tool<StandardSchemaV1.InferOutput<Schema>, Output>
export function defineTool<Args = Record<string, unknown>, Output = unknown>(
  tool: Tool<Args, Output>,
): Tool<Args, Output>
export function defineTool<Args, Output>(tool: Tool<Args, Output>): Tool<Args, Output> {
  return tool
}
