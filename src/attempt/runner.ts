import type { InfoLevel } from '../events/events.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import type { QuestionOptions, ToolContext } from '../tools/tool.ts'
import type { AttemptReport } from './attempt-outcome.ts'

/** How far a tool is. */
export type Progress = Parameters<ToolContext['reportProgress']>[0]

/** Names one attempt. */
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
  /** Whether a `JsonNumber` may stand in the arguments: a tool that does not take them gets JavaScript numbers. */
  readonly mayHoldJsonNumbers: boolean
  /** How long the tool may take from its call on, ms; 0 for no limit. */
  readonly timeoutMs: number
  /** The same for every attempt of the task. */
  readonly idempotencyKey: string
}

/** Why an attempt is aborted. */
export interface AbortReason {
  /** Such as `CANCELLED`. */
  readonly code: string
  readonly message: string
}

/** A question of a tool, as plain JSON. */
export interface Question extends QuestionOptions {
  /** Counts the questions of the attempt, from 1. */
  readonly number: number
}

/** What a question came to, as plain JSON. */
export type Answer =
  | { readonly status: 'answered'; readonly response: unknown }
  | {
      readonly status: 'failed'
      readonly code: 'INPUT_DECLINED' | 'INPUT_EXPIRED' | 'INPUT_MISMATCH'
      readonly message: string
    }

/** Where an attempt reports. Nothing may follow `settled` but `dropped`. */
export interface AttemptSink {
  /** A piece of text that the tool streams; not empty. */
  token(text: string): void
  progress(progress: Progress): void
  log(level: InfoLevel, message: string): void
  /** Token usage, to be added up; also after an abort, until the attempt has settled. */
  usage(delta: Partial<TokenUsage>): void
  /**
   * The tool asks a person. From here on until the last open question is answered the attempt holds no slot, and its time
   * stands still.
   */
  question(question: Question): void
  /** The tool emitted something after its attempt was aborted or had settled: it is only counted. */
  dropped(): void
  /** The attempt is over. Called exactly once, possibly before `start` returns. */
  settled(report: AttemptReport): void
}

/**
 * Runs attempts: the one way in which the engine calls tools.
 *
 * Test an implementation with the conformance suite of `dagstream/testing`.
 */
export interface AttemptRunner {
  /** Starts an attempt. Never throws: whatever fails is the outcome. */
  start(command: AttemptCommand, sink: AttemptSink): void
  /**
   * Asks an attempt to stop. A wish: it may settle in whatever way before it is heard. What settles because of it has the
   * status `cancelled`. Idempotent; ignored for an attempt that is over or unknown.
   */
  abort(key: AttemptKey, reason: AbortReason): void
  /** The answer to an open question of an attempt. Ignored for an attempt or a question that is over or unknown. */
  answer(key: AttemptKey, number: number, answer: Answer): void
  /** Stops the runner's timers, once no attempt runs any more. */
  close?(): void
}
