import type { InfoLevel } from '../events/events.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import type { PlanRoom } from '../tools/plan-room.ts'
import type { QuestionOptions, ToolContext } from '../tools/tool.ts'
import type { AttemptReport } from './attempt-outcome.ts'

/** The progress of a tool. */
export type Progress = Parameters<ToolContext['reportProgress']>[0]

/** Identifies one attempt. */
export interface AttemptKey {
  readonly executionId: string
  readonly taskId: string
  /** From 1. */
  readonly attempt: number
}

/** One call of one tool, as plain JSON: it can be run in this process or sent to another machine. */
export interface AttemptCommand extends AttemptKey {
  /** The name of the tool. */
  readonly tool: string
  /** Resolved, not yet checked against the tool's schema. JSON that belongs to the runner; `stringifyJson` writes it. */
  readonly arguments: unknown
  /** Whether the arguments may contain a `JsonNumber`; other tools get JavaScript numbers. */
  readonly mayHoldJsonNumbers: boolean
  /** Timeout from the call of the tool on, ms; 0 for none. */
  readonly timeoutMs: number
  /** Time for the tool to settle after an abort before it is abandoned, ms. @defaultValue that of the runner */
  readonly abortGraceMs?: number
  /** The same for every attempt of the task. */
  readonly idempotencyKey: string
  /** W3C trace context of the attempt, for the requests of its tool. Absent without traces. */
  readonly traceparent?: string | undefined
}

/** The reason for which an attempt is aborted. */
export interface AbortReason {
  /** Such as `CANCELLED`. */
  readonly code: string
  readonly message: string
}

/** A question of a tool, as plain JSON. */
export interface Question extends QuestionOptions {
  /** Number of the question within its attempt, from 1. */
  readonly number: number
}

/** The outcome of a question, as plain JSON. */
export type Answer =
  | { readonly status: 'answered'; readonly response: unknown }
  | {
      readonly status: 'failed'
      readonly code: 'INPUT_DECLINED' | 'INPUT_EXPIRED' | 'INPUT_MISMATCH'
      readonly message: string
    }

/** Receives the reports of an attempt. Only `dropped` may follow `settled`. */
export interface AttemptSink {
  /** A piece of streamed text; not empty. */
  token(text: string): void
  progress(progress: Progress): void
  log(level: InfoLevel, message: string): void
  /** Token usage to add; allowed after an abort, too, until the attempt has settled. */
  usage(delta: Partial<TokenUsage>): void
  /**
   * The tool asks a person. From here on until the last open question is answered the attempt holds no slot, and its time
   * stands still.
   */
  question(question: Question): void
  /** Where the tasks of a planner join; `undefined` for other tools. Absent where none can join. */
  planRoom?(): PlanRoom | undefined
  /** The tool emitted something after its attempt was aborted or had settled; the emission is only counted. */
  dropped(): void
  /** The attempt has ended. Called exactly once, possibly before `start` returns. */
  settled(report: AttemptReport): void
}

/**
 * Runs attempts: the one way in which the engine calls tools.
 *
 * Test an implementation with the conformance suite of `dagstream/testing`.
 */
export interface AttemptRunner {
  /** Starts an attempt. Never throws: every failure is an outcome. */
  start(command: AttemptCommand, sink: AttemptSink): void
  /**
   * Asks an attempt to stop. The attempt may settle before with any outcome; one that settles because of the abort has the
   * status `cancelled`. Idempotent; ignored for an ended or unknown attempt.
   */
  abort(key: AttemptKey, reason: AbortReason): void
  /** The answer to an open question of an attempt. Ignored for an attempt or a question that is over or unknown. */
  answer(key: AttemptKey, number: number, answer: Answer): void
  /** Stops the runner's timers, once no attempt runs any more. */
  close?(): void
}
