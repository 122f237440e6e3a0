import type { AttemptReport } from '../attempt/attempt-outcome.ts'
import type { AttemptKey, Progress, Question } from '../attempt/runner.ts'
import type { InfoLevel, Reason } from '../events/events.ts'
import type { TokenUsage } from '../events/token-usage.ts'
import type { PlannerStep } from './planner-step.ts'

/** A report of an attempt, without its output. */
type ReportWithoutOutput<Report> = Report extends { readonly output: unknown }
  ? Omit<Report, 'output'> & { readonly outputJson: string }
  : Report

/** The report of an attempt as plain JSON. */
export type PostedReport = ReportWithoutOutput<AttemptReport>

/** What an attempt reports, as plain JSON. */
export type AttemptNews =
  /** Text between other news is joined; not empty, without half a character at its ends. */
  | { readonly type: 'token'; readonly text: string }
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'log'; readonly level: InfoLevel; readonly message: string }
  /** The sum of the attempt so far. */
  | { readonly type: 'usage'; readonly usage: TokenUsage }
  | { readonly type: 'question'; readonly question: Question }
  /** Emissions after its abort. */
  | { readonly type: 'dropped'; readonly count: number }
  /** The last of its news. */
  | { readonly type: 'settled'; readonly report: PostedReport; readonly usage?: TokenUsage }

/** A message of a worker about one of its attempts. */
export interface AttemptMessage {
  readonly key: AttemptKey
  /** From 1, ascending within the attempt; a number up to that of the last accepted message is a repetition. */
  readonly number: number
  readonly news: AttemptNews
}

/** A message of the store about an order. */
export interface OrderMessage {
  readonly key: AttemptKey
  readonly news: /** The attempt does not count: its worker was lost, or gave it up to end itself. */
    | {
        readonly type: 'interrupted'
        readonly cause: 'lost' | 'handoff'
        /** Of its last `usage` message. */
        readonly usage?: TokenUsage
      }
    /** No living worker has its tool. */
    | { readonly type: 'unclaimed'; readonly tool: string }
}

/** A command of another process to the coordinator of an execution. */
export type CommandNews =
  | { readonly type: 'cancel'; readonly reason: Reason; readonly requestId?: string }
  | {
      readonly type: 'answer'
      readonly inputId: string
      /** As in the body of `POST /executions/{id}/inputs/{inputId}`. */
      readonly answer: { readonly response: unknown } | { readonly decline: true }
      readonly by?: string
    }
  /** `patch`: JSON, as in the body of `POST /executions/{id}/plan`. The value of its reply is that of the answer. */
  | { readonly type: 'patch'; readonly patch: string }
  /** `planner`: the id of the planner, unguessable. The value of the reply is a `PlannerReply`. */
  | { readonly type: 'plan'; readonly planner: string; readonly step: PlannerStep }

/** A command with its identity. */
export interface CommandMessage {
  /** Unguessable; its reply is found by it. */
  readonly commandId: string
  readonly executionId: string
  readonly news: CommandNews
}

/** A message to the coordinator of an execution. Its id is opaque and does not sort. */
export interface InboxMessage {
  readonly id: string
  readonly message: AttemptMessage | OrderMessage | CommandMessage
}

/** The outcome of a command. */
export interface Reply {
  readonly commandId: string
  /** The error that the caller gets; absent: it took effect. */
  readonly error?: { readonly code: string; readonly message: string; readonly details?: unknown }
  /** JSON; absent where the command returns nothing. */
  readonly value?: string
}

/** The reply to a command that took effect. */
export type CommandReply = Pick<Reply, 'value'>

/**
 * The durable messages to coordinators. A message stays until a commit of its execution consumes it.
 */
export interface Inbox {
  /**
   * Posts messages of attempts; idempotent by key and number, also for consumed messages. A `settled` message ends its order,
   * a `question` message frees its permit.
   * @returns for each whether it was accepted, now or before; `false`: the worker does not hold the order any more, or its
   * `settled` message has been consumed
   * @throws `STORE_FAILED`, with `details.isRefusal` where the store answers, and refuses one of these messages: none of them is
   * posted. A worker posts them one attempt at a time then, and gives up those that are refused again; any other error is repeated
   */
  post(workerId: string, messages: readonly AttemptMessage[]): Promise<readonly boolean[]>
  /** Sends a command; idempotent by its id, also for a consumed command. @throws `EXECUTION_NOT_FOUND`, `EXECUTION_ENDED` */
  send(command: CommandMessage): Promise<void>
  /** Messages of these executions in the order of their attempts' numbers, at most `limit` of each; they stay. */
  read(executionIds: readonly string[], limit: number): Promise<ReadonlyMap<string, readonly InboxMessage[]>>
  /** Which of the executions that a holder coordinates have messages. */
  listWaiting(holder: string): Promise<readonly string[]>
  /** The reply to a command, once the commit that contains it has settled. Kept for at least ten minutes. */
  findReply(commandId: string): Promise<Reply | undefined>
}
