import type { Clock } from '../../clock.ts'
import { describeRecord } from '../../engine/growth/describe-document.ts'
import { patchExecution } from '../../engine/growth/patch-execution.ts'
import type { PatchedPlan, PlanPatch } from '../../engine/growth/patch-shape.ts'
import { type ForkedFrom, readForkedFrom } from '../../engine/resume/recorded-options.ts'
import { type DagstreamError, recordUnusable } from '../../errors.ts'
import type { Parked, Reason } from '../../events/events.ts'
import { Execution } from '../../engine/executors/execution.ts'
import type { ExecutionLoop } from '../../engine/execution-loop.ts'
import type { TaskActivity } from '../../engine/loop-parts.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import type { EventLog, Lease } from '../../log/event-log.ts'
import type { BufferOptions } from '../../log/reader-bound.ts'
import type { PersonAnswer } from '../../engine/inputs/answer-stored.ts'
import { interrupted } from '../errors/host-errors.ts'
import { DisconnectPolicy } from './disconnect-policy.ts'
import type { CommandedExecution, HostedParts, LiveOptions, PublishedFollowers, StoreFailure } from './hosted-parts.ts'
import { listOwnIds, parseIds } from './document-ids.ts'
import { type ShownStatus, showStatus } from './shown-status.ts'

/** An execution of a host: one that runs here, or one that the store has. */
export class HostedExecution implements CommandedExecution {
  readonly record: ExecutionRecord
  readonly log: EventLog
  readonly disconnectPolicy: DisconnectPolicy
  /** Of an execution of a shared store that runs here. */
  lease: Lease | undefined
  /** Of an execution of a shared store. */
  readonly followers: PublishedFollowers | undefined
  /** The last store failure in this process. */
  readonly lastStoreFailure: StoreFailure | undefined
  #loop: ExecutionLoop | undefined
  #isLeft = false
  readonly #parked: Parked | undefined
  readonly #personWaitListeners = new Set<() => void>()
  #taskIds: readonly string[] | undefined
  /** As of a position in the log. */
  #whole: { readonly head: number; readonly record: ExecutionRecord } | undefined

  private constructor(
    record: ExecutionRecord,
    log: EventLog,
    loop: ExecutionLoop | undefined,
    graceMs: number,
    clock: Clock,
    { parked, failure, followers }: HostedParts,
  ) {
    this.record = record
    this.#parked = parked
    this.log = log
    this.lastStoreFailure = failure
    this.followers = followers
    this.#loop = loop
    const onAbandoned = (): void => {
      this.#loop?.cancel({ code: 'DISCONNECTED', message: 'The execution had no subscriber for its grace period' })
    }
    this.disconnectPolicy = new DisconnectPolicy(graceMs, clock, onAbandoned, followers)
  }

  /** An execution that runs in this process. */
  static live(
    record: ExecutionRecord,
    loop: ExecutionLoop,
    graceMs: number,
    clock: Clock,
    { failure, isGraceAsked = false, onPersonWait = () => {}, followers }: LiveOptions = {},
  ): HostedExecution {
    const hosted = new HostedExecution(record, loop.log, loop, graceMs, clock, { failure, followers })
    loop.followPersonWait(isWaiting => {
      if (!isGraceAsked) hosted.disconnectPolicy.hold(isWaiting)
      onPersonWait()
      for (const listener of hosted.#personWaitListeners) listener()
    })
    return hosted
  }

  /** An execution that can only be read. */
  static archived(record: ExecutionRecord, log: EventLog, parked: Parked | undefined, clock: Clock): HostedExecution {
    return new HostedExecution(record, log, undefined, Number.POSITIVE_INFINITY, clock, { parked })
  }

  /** An execution that another server coordinates. */
  static followed(
    record: ExecutionRecord,
    log: EventLog,
    clock: Clock,
    followers: PublishedFollowers,
  ): HostedExecution {
    return new HostedExecution(record, log, undefined, Number.POSITIVE_INFINITY, clock, { followers })
  }

  get executionId(): string {
    return this.record.executionId
  }

  /** Whether its last event is in the log. */
  get hasEnded(): boolean {
    return this.log.ending === 'complete'
  }

  get status(): ShownStatus {
    const { status } = this.log.state
    return showStatus({ status: status === 'pending' ? 'running' : status, parked: this.parked })
  }

  /** The reason for which it is parked. */
  get parked(): Parked | undefined {
    return this.log.state.parked ?? this.#parked
  }

  /** What it was forked from; `undefined` if it is no fork. @throws `RECORD_UNUSABLE` */
  get forkedFrom(): ForkedFrom | undefined {
    return readForkedFrom(this.record.options)
  }

  /** Whether this process runs it. */
  get isRunning(): boolean {
    return this.#loop !== undefined && this.log.ending === undefined
  }

  /** Whether another server continues it, after it ran here. */
  get isLeft(): boolean {
    return this.#isLeft
  }

  /** Whether it only waits for people: it needs no place among those that run. */
  get isPersonAwaited(): boolean {
    return this.#loop?.isPersonAwaited ?? false
  }

  /** Calls `listener` whenever `isPersonAwaited` has changed. It must not throw. @returns removes it; idempotent */
  watchPersonWait(listener: () => void): () => void {
    this.#personWaitListeners.add(listener)
    return () => void this.#personWaitListeners.delete(listener)
  }

  /** Whether it only waits for people, and none but `finally` tasks do. */
  get isFinallyWaiting(): boolean {
    return this.#loop?.isFinallyWaiting === true
  }

  /** Resolves at its end; rejects when its log could not be kept. */
  get ended(): Promise<void> {
    return this.#loop?.ended ?? Promise.resolve()
  }

  /** The activity of its tasks; `undefined` where this process does not run it. */
  get activity(): TaskActivity | undefined {
    return this.#loop?.activity
  }

  /** Whether this process runs it and it has `finally` tasks, its own or those of workflows that run now. */
  get hasFinally(): boolean {
    return this.isRunning && this.#loop?.hasFinally === true
  }

  /** Its record with the whole document: without the tasks that were removed, and with those that joined it. @throws `RECORD_UNUSABLE` */
  get wholeRecord(): ExecutionRecord {
    const { head, state } = this.log
    if (this.#whole?.head !== head) this.#whole = { head, record: describeRecord(this.record, state) }
    return this.#whole.record
  }

  /**
   * The ids of the document's tasks, in its order, `finally` tasks last. After the end every task has a result in the log.
   * @throws `RECORD_UNUSABLE`
   */
  get taskIds(): readonly string[] {
    if (!this.hasEnded) return this.#readTaskIds()
    return (this.#taskIds ??= this.#readTaskIds())
  }

  /**
   * Cancels the execution: its `finally` tasks run. A second call ends those; after the end it has no effect.
   * @param requestId of the request that asks for it: its repetition does nothing, also after a crash
   * @returns settles once the cancellation would outlast this process; rejects when it cannot be recorded
   */
  cancel(reason: Reason, requestId?: string): Promise<void> {
    this.#loop?.cancel(reason, requestId)
    return this.#loop?.commanded ?? Promise.resolve()
  }

  /**
   * The execution for a reader in this process, who holds its tasks back and whose execution is never cancelled for the lack of
   * a follower. @throws `INTERRUPTED` where this process does not run it
   */
  attach(buffer: BufferOptions): Execution {
    if (this.#loop === undefined) throw interrupted()
    this.disconnectPolicy.close()
    return new Execution(this.#loop, buffer)
  }

  /**
   * Answers an open question.
   * @param by the person, as the server knows them
   * @returns once that is in the log; rejects with `INPUT_NOT_FOUND`, `INPUT_CLOSED`, `INVALID_RESPONSE`, and with `INTERRUPTED`
   * where this process does not run it
   */
  async answer(inputId: string, answer: PersonAnswer, by?: string): Promise<void> {
    if (this.#loop === undefined) throw interrupted()
    if ('decline' in answer) return this.#loop.decline(inputId, by)
    return this.#loop.answer(inputId, answer.response, by)
  }

  /**
   * Changes its document: all of the patch, or nothing.
   * @returns once that is in the log; rejects as `patchExecution` does, and with `INTERRUPTED` where this process does not run it
   */
  async patch(patch: PlanPatch): Promise<PatchedPlan> {
    if (this.#loop === undefined) throw interrupted()
    return patchExecution(this.#loop, patch)
  }

  /** Leaves the execution to the next process. */
  handOff(): void {
    this.#loop?.handOff()
  }

  /**
   * Leaves the execution to another server: running attempts go on, and this is one that can only be read. Its log remains open
   * for its readers.
   */
  leave(failure: DagstreamError): void {
    this.disconnectPolicy.close()
    this.#loop?.leave(failure)
    if (this.#loop !== undefined) this.#isLeft = true
    this.#loop = undefined
  }

  /** From now on, other servers of the store may continue it. @param followed whether its readers here then follow them */
  share(lease: Lease, followed: boolean): void {
    this.lease = lease
    if (followed) this.#loop?.shareLog()
  }

  /** Reads what its workers have reported; does nothing where it does not run here. @returns rejects as the store does */
  async deliver(): Promise<void> {
    await this.#loop?.deliver()
  }

  #readTaskIds(): readonly string[] {
    const { workflow } = this.wholeRecord
    const { tasks } = this.log.state
    const ids = workflow === undefined ? listOwnIds(tasks.values()) : parseIds(workflow)
    const isWhole =
      ids.every(id => tasks.has(id)) && Array.from(tasks.values()).every(({ result }) => result !== undefined)
    if (!this.hasEnded || isWhole) return ids
    throw recordUnusable('The log of an ended execution has no result of some task')
  }
}
