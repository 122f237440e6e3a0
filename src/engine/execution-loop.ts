import type { Clock } from '../clock.ts'
import { DagstreamError } from '../errors.ts'
import type { EventFor, Reason } from '../events/events.ts'
import { findInput } from '../events/inputs.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { EventLog, Lease } from '../log/event-log.ts'
import { Commands } from './commands.ts'
import type { PlanDesk } from './growth/plan-desk.ts'
import { ExecutionOutcome } from './execution-outcome.ts'
import type { ExecutionResult } from './execution-result.ts'
import { type InputDesk, inputClosed, inputNotFound } from './inputs/input-desk.ts'
import type { LoopParts, LoopTraces, StartParts, TaskActivity } from './loop-parts.ts'
import { createPendingRound } from './remote/create-runners.ts'
import { Recorder, type RecorderCallbacks } from './recorder.ts'
import type { Resumption } from './resumption.ts'
import { TaskRounds } from './task-rounds.ts'

/**
 * The loop of an execution: decides on commands and outcomes, appends the events, applies them to the table, and then causes
 * their effects.
 *
 *     table ─ next ─▶ recorder ─ in the log ─▶ table, runner ─ outcome ─▶ recorder ─ in the log ─▶ table
 *
 * Outcomes, emissions and commands are recorded and handled in the next round: no tool and no reader runs during a decision.
 *
 * The loop exists before its plan is built and its log has a lease. Commands and readers that precede the start wait for it.
 */
export class ExecutionLoop implements RecorderCallbacks {
  readonly executionId: string
  readonly createdAt: string
  readonly log: EventLog
  readonly clock: Clock
  /** Set by an observer before the start. */
  traces: LoopTraces | undefined = undefined
  readonly #parts: LoopParts
  readonly #outcome = new ExecutionOutcome()
  readonly #recorder: Recorder
  readonly #commands: Commands
  /** From the start on. */
  #rounds: TaskRounds | undefined
  #isAbandoned = false
  /** The log remains open for its readers when this loop cannot append to it any more. */
  #isLogShared = false
  #onPersonWait: (isWaiting: boolean) => void = () => {}

  constructor(parts: LoopParts) {
    const { log, options } = parts
    this.#parts = parts
    this.executionId = log.executionId
    this.createdAt = parts.createdAt ?? new Date(options.clock.wallTime()).toISOString()
    this.log = log
    this.clock = options.clock
    this.#recorder = new Recorder(log, options.clock, this, createPendingRound(options))
    this.#commands = new Commands(this.#recorder, () => this.#rounds?.obey())
  }

  /** Resolves at every end; rejects if the log failed or the execution was handed off. */
  get ended(): Promise<void> {
    return this.#outcome.ended
  }

  /** Built on first use; rejects as `ended` does. */
  get result(): Promise<ExecutionResult> {
    return this.#outcome.result
  }

  /** Starts the execution, or resumes it; from here on it runs by itself. Does nothing after a failure of the log. */
  start(lease: Lease, start: StartParts, signal?: AbortSignal, resumption?: Resumption): void {
    if (this.log.ending !== undefined) return
    const rounds = new TaskRounds(
      this.#parts,
      start,
      {
        recorder: this.#recorder,
        commands: this.#commands,
        outcome: this.#outcome,
        cancel: (reason, requestId) => this.cancel(reason, requestId),
        handedOff: failure => this.#abandon(failure),
        onPersonWait: isWaiting => {
          this.#commands.holdTime(isWaiting)
          this.#onPersonWait(isWaiting)
        },
        traceparentOf: (taskId, attempt) => this.traces?.traceparentOf(taskId, attempt),
      },
      lease,
    )
    this.#rounds = rounds
    this.log.begin(lease, task => rounds.tasks.stateOf(task))
    const usedMs = rounds.begin(this.clock.now(), resumption)
    this.#recorder.open()
    this.#commands.open()
    const cancel = (reason: Reason): void => this.cancel(reason)
    this.#commands.limitTime(this.clock, this.#parts.options.timeoutMs, usedMs, cancel)
    if (signal !== undefined) this.#commands.follow(signal, cancel)
    this.#outcome.begin()
  }

  /** Shows an execution that has ended before. */
  showEnd(end: EventFor<'execution_complete'>['data'], tasks: readonly { readonly id: string }[]): void {
    this.#outcome.complete(tasks, this.log.state, end)
  }

  /** Where tasks join the document, from the start on; `undefined` if none can, and if it does not start. */
  async openPlan(): Promise<PlanDesk | undefined> {
    await this.#outcome.begun
    return this.#rounds?.growth.desk
  }

  /** Settles once the last command is in the log; rejects when the log cannot be kept. */
  get commanded(): Promise<void> {
    return this.#commands.recorded
  }

  get activity(): TaskActivity {
    return this.#rounds?.activity ?? { running: 0, slot: 0, limit: 0, retry: 0 }
  }

  /** Whether it has started and has `finally` tasks, its own or those of workflows that run now. */
  get hasFinally(): boolean {
    return this.#commands.hasFinally
  }

  /**
   * Ends every task that has not settled, because of `reason`; `finally` tasks run. The first call counts; a second one ends
   * those, too. After the end it does nothing.
   * @param requestId of the request that asks for it: its repetition does nothing
   */
  cancel(reason: Reason, requestId?: string): void {
    if (this.#outcome.end === undefined) this.#commands.cancel(reason, requestId)
  }

  /** Whether it only waits for people: no task could do anything without an answer. */
  get isPersonAwaited(): boolean {
    return this.#rounds?.isPersonAwaited ?? false
  }

  /** Whether it only waits for people, and none but `finally` tasks do. */
  get isFinallyWaiting(): boolean {
    return this.#commands.isFinallyWaiting
  }

  /** Calls back whenever `isPersonAwaited` changes; one listener. */
  followPersonWait(onChange: (isWaiting: boolean) => void): void {
    this.#onPersonWait = onChange
  }

  /** The ids of the dependencies of a task, by its index; from the start on. */
  dependenciesOf(task: number): readonly string[] {
    return this.#rounds?.tasks.dependenciesOf(task) ?? []
  }

  /**
   * Answers an open question. @param by the person, as the server knows them
   * @returns settles once that is in the log; rejects with `INPUT_NOT_FOUND`, `INPUT_CLOSED` or `INVALID_RESPONSE`
   */
  async answer(inputId: string, response: unknown, by?: string): Promise<void> {
    return this.#deskOf(inputId).answer(inputId, response, by)
  }

  /** Declines an open question; as `answer`. */
  async decline(inputId: string, by?: string): Promise<void> {
    return this.#deskOf(inputId).decline(inputId, by)
  }

  #deskOf(inputId: string): InputDesk {
    if (this.#rounds !== undefined) return this.#rounds.desk
    throw findInput(this.log.state.inputs, inputId) === undefined ? inputNotFound(inputId) : inputClosed(inputId)
  }

  /**
   * Delivers the messages of the execution in a shared store: reports of its attempts on workers, and commands of other
   * processes. Does nothing before the start and after the end. Rejects with what the store throws: the messages stay.
   */
  deliver(): Promise<void> {
    return this.#rounds?.deliver() ?? Promise.resolve()
  }

  /** Starts no task until every pause is released; what runs continues. @returns its release; idempotent */
  pause(): () => void {
    // Other executions may need the permits that this one cannot use now.
    this.#rounds?.giveBack()
    return this.#commands.pause(() => this.#recorder.wake())
  }

  /**
   * Hands the execution off to the next process: no task starts, running attempts are aborted and recorded as interrupted
   * with their usage, and then its readers and its result end with `SHUTTING_DOWN`. Attempts on workers go on.
   */
  handOff(): void {
    if (this.#commands.isEnding || this.log.ending !== undefined) return
    this.pause()
    this.#commands.handOff()
  }

  /** From now on, other processes may continue the execution: a failure of the log here does not end it for its readers. */
  shareLog(): void {
    this.#isLogShared = true
  }

  /**
   * Leaves the execution to another process at once: nothing more is recorded here, running attempts go on, and `ended` rejects
   * with `failure`. The log remains open for its readers, and may be advanced. Does nothing after the end.
   */
  leave(failure: DagstreamError): void {
    if (this.#isAbandoned || this.log.ending !== undefined) return
    this.#release(failure, true)
    this.log.detach()
    this.#outcome.fail(failure)
  }

  /** Called by the recorder, which `start` opens. */
  runSlice(): boolean {
    return this.#rounds?.runSlice() ?? false
  }

  apply(entries: readonly LogEntry[]): void {
    this.#rounds?.apply(entries)
  }

  completed(): void {
    const rounds = this.#rounds as TaskRounds
    this.#commands.close()
    rounds.close()
    this.#outcome.complete(rounds.growth.tasks, this.log.state)
  }

  /** The log has failed: ends its readers and aborts running attempts. */
  onLogFailure(error: unknown): void {
    const code = error instanceof DagstreamError ? error.code : 'STORE_FAILED'
    const failure = new DagstreamError(code, `Execution \`${this.executionId}\` could not be recorded`, {
      cause: error,
    })
    if (this.#isLogShared) this.leave(failure)
    else this.#abandon(failure)
  }

  #abandon(failure: DagstreamError): void {
    if (this.#isAbandoned || this.log.ending !== undefined) return
    this.#release(failure, false)
    this.log.fail({ error: failure.message, code: failure.code, timestamp: this.#recorder.timestamp })
    this.#outcome.fail(failure)
  }

  #release(failure: DagstreamError, isLeft: boolean): void {
    this.#isAbandoned = true
    this.#recorder.close()
    this.#rounds?.abandon(failure, isLeft)
    this.#commands.close(failure)
  }
}
