import { isRecordUnusable } from '../errors.ts'
import type { PersonAnswer } from '../engine/inputs/answer-stored.ts'
import type { Reason, Stop } from '../events/events.ts'
import type { StoredExecution } from '../store/execution-store.ts'
import { executionEnded, executionNotFound, executionRunning, interrupted } from './errors/host-errors.ts'
import type { ExecutionArchive } from './execution/execution-archive.ts'
import type { HostedExecution } from './execution/hosted-execution.ts'
import type { CommandedExecution } from './execution/hosted-parts.ts'
import { type ElsewhereCommands, isCoordinated, isFenced, PatchCommands } from './patch-commands.ts'
import type { PatchedPlan, PlanPatch } from '../engine/growth/patch-shape.ts'
import type { RunningExecutions } from './execution/running-executions.ts'
import type { Recovery } from './recovery/recovery.ts'

/** The parts of a host that its commands work with. */
export interface CommandContext {
  readonly running: RunningExecutions
  readonly archive: ExecutionArchive
  readonly recovery: Recovery | undefined
  /** @throws `TOO_MANY_EXECUTIONS` */
  readonly expectRoom: () => void
  /** Answers a question of an execution that no process runs. */
  readonly answerStored: (
    ...answer: readonly [executionId: string, inputId: string, answer: PersonAnswer, by?: string]
  ) => Promise<void>
  /** An execution that does not run here is left alone, unless it is parked. */
  readonly isServer: boolean
  /** The way to executions that other servers of a shared store coordinate. */
  readonly elsewhere: ElsewhereCommands | undefined
}

function refuseUnknown(): never {
  throw executionNotFound()
}

/** It was parked and resumed again meanwhile: the command can be repeated. */
function refuseElsewhere(): never {
  throw interrupted()
}

/**
 * The commands to an execution that exists: the only way to resume, cancel and delete one, for every caller. None of them reads
 * the log before the record allows the command.
 */
export class ExecutionCommands {
  readonly #context: CommandContext
  readonly #patches: PatchCommands

  constructor(context: CommandContext) {
    this.#context = context
    this.#patches = new PatchCommands(context)
  }

  /**
   * Resumes an execution that an earlier process left, or that the store failed here; idempotent while it runs here.
   * @throws `EXECUTION_NOT_FOUND`, `EXECUTION_ENDED`, `INTERRUPTED`, `RECORD_UNUSABLE`, `TOO_MANY_EXECUTIONS`, `SHUTTING_DOWN`; the
   *   errors of the store and of the tool provider
   */
  async resume(executionId: string): Promise<HostedExecution> {
    return this.#withLock(executionId, async () => {
      const { running, recovery, elsewhere, archive, expectRoom } = this.#context
      const here = running.get(executionId)
      if (here !== undefined) return here
      // Checked before anything is waited for: from then on the execution has a place of its own.
      if (recovery !== undefined && elsewhere === undefined) expectRoom()
      const stored = await archive.findRecord(executionId)
      if (stored === undefined) throw executionNotFound()
      if (stored.status !== 'running') throw executionEnded()
      if (elsewhere !== undefined) {
        if (isCoordinated(stored)) return (await archive.find(executionId)) ?? refuseUnknown()
        expectRoom()
      }
      return this.#resume(stored)
    })
  }

  /**
   * Cancels an execution: its `finally` tasks run. A second call ends those; after the end it has no effect.
   * @param requestId of the request that asks for it: its repetition is the same call, also after a crash
   * @returns once the cancellation would outlast this process
   * @throws as `resume` does, but for `EXECUTION_ENDED` and `TOO_MANY_EXECUTIONS`
   */
  async cancel(executionId: string, reason: Reason, requestId?: string): Promise<CommandedExecution> {
    await this.#context.recovery?.whenDecided(executionId)
    return (
      (await this.#cancelRunning(executionId, reason, requestId)) ??
      (await this.#cancelStored(executionId, reason, requestId)) ??
      this.#cancelElsewhere(executionId, reason, requestId)
    )
  }

  /** `undefined` where it does not run here, or no more. */
  async #cancelRunning(executionId: string, reason: Reason, requestId?: string): Promise<HostedExecution | undefined> {
    const running = this.#context.running.get(executionId)
    if (running === undefined || running.isLeft) return undefined
    try {
      await running.cancel(reason, requestId)
      return running
    } catch (error) {
      if (this.#context.elsewhere !== undefined && isFenced(error)) return undefined
      throw error
    }
  }

  /** `undefined` where another server coordinates it. */
  #cancelStored(executionId: string, reason: Reason, requestId?: string): Promise<CommandedExecution | undefined> {
    return this.#withLock(executionId, async () => {
      const running = await this.#cancelRunning(executionId, reason, requestId)
      if (running !== undefined) return running
      const stored = await this.#context.archive.findRecord(executionId)
      if (stored === undefined) throw executionNotFound()
      const { status } = stored
      if (status !== 'running') return { executionId, status, ended: Promise.resolve() }
      if (this.#context.elsewhere !== undefined && isCoordinated(stored)) return undefined
      const by = requestId === undefined ? {} : { requestId }
      return this.#resume(stored, { reason, message: reason.message, ...by })
    })
  }

  /** Outside the lock: the reply may take as long as a takeover. */
  async #cancelElsewhere(executionId: string, reason: Reason, requestId?: string): Promise<CommandedExecution> {
    const by = requestId === undefined ? {} : { requestId }
    const reply = await this.#context.elsewhere?.send(executionId, { type: 'cancel', reason, ...by })
    // It has ended, or was parked.
    if (reply === undefined) return (await this.#cancelStored(executionId, reason, requestId)) ?? refuseElsewhere()
    return (await this.#context.archive.find(executionId)) ?? refuseUnknown()
  }

  /**
   * Deletes an execution that has ended, is parked, or has a damaged record or log; idempotent.
   * @throws `EXECUTION_RUNNING` for any other; the errors of the store
   */
  async delete(executionId: string): Promise<void> {
    await this.#withLock(executionId, async () => {
      const running = this.#context.running.get(executionId)
      if (running !== undefined && !running.hasEnded) throw executionRunning()
      const stored = await this.#context.archive.findRecord(executionId)
      // It may run in another process.
      if (stored?.status === 'running' && stored.parked === undefined && (await this.#isUsable(executionId)))
        throw executionRunning()
      await this.#context.archive.delete(executionId)
      this.#context.recovery?.quarantine.remove(executionId)
    })
  }

  /** Whether its record and its log allow more than its deletion. */
  async #isUsable(executionId: string): Promise<boolean> {
    try {
      return (await this.#context.archive.find(executionId))?.parked === undefined
    } catch (error) {
      if (isRecordUnusable(error)) return false
      throw error
    }
  }

  /**
   * Answers or declines an open question; the first answer counts. The execution continues even if no place is free.
   * @param by the person, as the server knows them
   * @throws `EXECUTION_NOT_FOUND`, `INPUT_NOT_FOUND`, `INPUT_CLOSED`, `INVALID_RESPONSE`, `INTERRUPTED`; the errors of the store
   */
  async answer(executionId: string, inputId: string, answer: PersonAnswer, by?: string): Promise<void> {
    await this.#context.recovery?.whenDecided(executionId)
    if (await this.#answerRunning(executionId, inputId, answer, by)) return
    if (await this.#answerStored(executionId, inputId, answer, by)) return
    const news = { type: 'answer', inputId, answer, ...(by !== undefined && { by }) } as const
    if ((await this.#context.elsewhere?.send(executionId, news)) !== undefined) return
    // It has ended, or was parked.
    if (!(await this.#answerStored(executionId, inputId, answer, by))) refuseElsewhere()
  }

  /** As `PatchCommands.patch`. */
  patch(executionId: string, patch: PlanPatch): Promise<PatchedPlan> {
    return this.#patches.patch(executionId, patch)
  }

  /** @returns `false` where it does not run here, or no more */
  async #answerRunning(executionId: string, inputId: string, answer: PersonAnswer, by?: string): Promise<boolean> {
    const running = this.#context.running.get(executionId)
    if (running?.isRunning !== true) return false
    try {
      await running.answer(inputId, answer, by)
      return true
    } catch (error) {
      if (this.#context.elsewhere !== undefined && isFenced(error)) return false
      throw error
    }
  }

  /** @returns `false` where another server coordinates it */
  #answerStored(executionId: string, inputId: string, answer: PersonAnswer, by?: string): Promise<boolean> {
    return this.#withLock(executionId, async () => {
      if (await this.#answerRunning(executionId, inputId, answer, by)) return true
      const stored = await this.#context.archive.findRecord(executionId)
      if (stored === undefined) throw executionNotFound()
      if (isCoordinated(stored) && this.#context.elsewhere !== undefined) return false
      if (isCoordinated(stored) && this.#context.isServer) throw interrupted()
      await this.#context.answerStored(executionId, inputId, answer, by)
      return true
    })
  }

  #withLock<T>(executionId: string, work: () => Promise<T>): Promise<T> {
    return this.#context.recovery?.withExecutionLock(executionId, work) ?? work()
  }

  #resume(stored: StoredExecution, stop?: Stop): Promise<HostedExecution> {
    if (this.#context.recovery === undefined) throw interrupted()
    return this.#context.recovery.resume(stored, stop)
  }
}
