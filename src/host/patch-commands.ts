import type { CommandNews, CommandReply } from '../cluster/inbox.ts'
import { expectPatch, type PatchedPlan, type PlanPatch } from '../engine/growth/patch-shape.ts'
import { DagstreamError } from '../errors.ts'
import { stringifyJson } from '../json/stringify-json.ts'
import type { StoredExecution } from '../store/execution-store.ts'
import { executionEnded, executionNotFound } from './errors/host-errors.ts'
import type { ExecutionArchive } from './execution/execution-archive.ts'
import type { RunningExecutions } from './execution/running-executions.ts'
import type { Recovery } from './recovery/recovery.ts'

/** Commands to executions that other servers coordinate, or are about to. */
export interface ElsewhereCommands {
  /**
   * @returns its reply; `undefined`: the execution has ended or is parked now
   * @throws the error of the command, `COORDINATOR_UNAVAILABLE`, the errors of the store
   */
  send(executionId: string, news: CommandNews): Promise<CommandReply | undefined>
}

interface PatchContext {
  readonly running: RunningExecutions
  readonly archive: ExecutionArchive
  readonly recovery: Recovery | undefined
  readonly elsewhere: ElsewhereCommands | undefined
}

/** Whether a command failed because another server has taken the execution over. */
export function isFenced(error: unknown): boolean {
  return error instanceof DagstreamError && error.code === 'FENCED'
}

/** Whether another server of a shared store coordinates it, or will. */
export function isCoordinated({ status, parked }: StoredExecution): boolean {
  return status === 'running' && parked === undefined
}

/** Changes of documents: the coordinator of an execution decides on them, wherever they arrive. */
export class PatchCommands {
  readonly #context: PatchContext

  constructor(context: PatchContext) {
    this.#context = context
  }

  /**
   * Changes the document of an execution that runs: all of the patch, or nothing.
   * @returns once it is in the log
   * @throws `EXECUTION_NOT_FOUND`, `EXECUTION_ENDED`, `PLAN_CONFLICT`, `INVALID_WORKFLOW`, `INVALID_OPTION`; `INTERRUPTED` where no
   * process runs it; `COORDINATOR_UNAVAILABLE` where no other server replies in time: the patch takes effect later; the errors of
   * the store
   */
  async patch(executionId: string, patch: PlanPatch): Promise<PatchedPlan> {
    const given = expectPatch(patch)
    await this.#context.recovery?.whenDecided(executionId)
    const patched = await this.#patchHere(executionId, given)
    if (patched !== undefined) return patched
    const stored = await this.#context.archive.findRecord(executionId)
    if (stored === undefined) throw executionNotFound()
    if (stored.status !== 'running') throw executionEnded()
    if (stored.parked !== undefined) throw notRunning('is parked')
    const { elsewhere } = this.#context
    if (elsewhere === undefined) throw notRunning('does not run in this process')
    const reply = await elsewhere.send(executionId, { type: 'patch', patch: stringifyJson(given) })
    if (reply?.value !== undefined) return JSON.parse(reply.value) as PatchedPlan
    const left = await this.#context.archive.findRecord(executionId)
    throw left?.status === 'running' ? notRunning('is parked') : executionEnded()
  }

  /** `undefined` where it does not run here, or no more. */
  async #patchHere(executionId: string, patch: PlanPatch): Promise<PatchedPlan | undefined> {
    const running = this.#context.running.get(executionId)
    if (running?.isRunning !== true) return undefined
    try {
      return await running.patch(patch)
    } catch (error) {
      if (this.#context.elsewhere !== undefined && isFenced(error)) return undefined
      throw error
    }
  }
}

function notRunning(how: string): DagstreamError {
  const hint = 'resume it first, or fork it with another workflow'
  return new DagstreamError('INTERRUPTED', `The execution ${how}, so that its plan cannot be changed: ${hint}`)
}
