import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { InfoLevel } from '../events/events.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import type { Limit } from './limit.ts'

/** A JSON Schema (draft 2020-12 unless its `$schema` says otherwise). */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What a call of a tool needs: a name to be found by, and a function to be run. */
export interface Tool<Args = Record<string, unknown>, Output = unknown> {
  /** 1–200 characters, no control character; MCP tools are `server:tool`. */
  readonly name: string
  /** For people and models. */
  readonly description?: string
  /** What `execute` accepts. Checked before anything runs, and again, resolved, before each attempt. */
  readonly inputSchema?: JsonSchema | StandardSchemaV1<unknown, Args>
  /** `false`: `inputSchema` is only shown, and arguments are not checked against it. @defaultValue true */
  readonly checkArguments?: boolean
  /**
   * How many calls may run at once: a number for this tool alone, or `createLimit(n)` shared by whoever holds it, across
   * executions. Default: no limit of its own.
   */
  readonly limit?: number | Limit
  /** Per attempt, ms; 0 for none. A task's own comes first. */
  readonly timeoutMs?: number
  /** A task's own comes first, field by field. */
  readonly retry?: {
    readonly maxAttempts?: number
    readonly initialDelayMs?: number
    readonly factor?: number
    readonly maxDelayMs?: number
    readonly jitter?: number
  }
  /**
   * Numbers among the arguments that no JavaScript number stands for — integers beyond 2^53, what overflows — come as
   * `JsonNumber`, with their digits: for tools that pass values on, or read such numbers themselves. Without it they come as
   * the nearest double (`Infinity` beyond the largest one), and an `info` event of level `warning` names their places.
   * @defaultValue `false`
   */
  readonly exactNumbers?: boolean
  /** Calls change nothing outside. Told to people; never guessed. */
  readonly readOnly?: boolean
  /**
   * Runs once per attempt. What it returns must be JSON (`undefined` becomes `null`, and so do `NaN` and the infinities, with
   * a warning that names their places; a `JsonNumber` keeps its digits); what it throws fails the attempt, with
   * the error's `code` (a string), `retryable` (`false`: no further attempt) and `retryAfterMs` honoured.
   */
  execute(args: Args, context: ToolContext): Output | Promise<Output>
}

/** What a running attempt is given. Its functions are synchronous, need no `this`, and do nothing once the attempt is over. */
export interface ToolContext {
  /** Aborted when the attempt times out or its execution is cancelled. Made on first read. */
  readonly signal: AbortSignal
  readonly executionId: string
  readonly taskId: string
  /** From 1. */
  readonly attempt: number
  /** `executionId.taskId`: the same for every attempt, so that a repeated call can be recognised outside. */
  readonly idempotencyKey: string
  /** Streams a piece of text. */
  readonly emitToken: (text: string) => void
  readonly reportProgress: (progress: { progress: number; total?: number; message?: string }) => void
  /** Adds to the attempt's usage, which is counted however the attempt ends. */
  readonly reportUsage: (delta: Partial<TokenUsage>) => void
  readonly log: (level: InfoLevel, message: string) => void
}

/** Declares a tool; the types of its arguments follow from a Standard Schema. */
export function defineTool<Schema extends StandardSchemaV1, Output>(
  tool: Omit<Tool<StandardSchemaV1.InferOutput<Schema>, Output>, 'inputSchema'> & { readonly inputSchema: Schema },
): Tool<StandardSchemaV1.InferOutput<Schema>, Output>
export function defineTool<Args = Record<string, unknown>, Output = unknown>(
  tool: Tool<Args, Output>,
): Tool<Args, Output>
export function defineTool<Args, Output>(tool: Tool<Args, Output>): Tool<Args, Output> {
  return tool
}
