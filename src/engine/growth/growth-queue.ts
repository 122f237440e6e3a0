import { afterTurn } from '../../clock.ts'
import { DagstreamError } from '../../errors.ts'
import type { AddedTask, PlanIssue, Reason } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { Recorder } from '../recorder.ts'
import type { PatchedPlan } from './patch-shape.ts'

/** Number of waiting tasks above which a planner waits. */
const MAX_WAITING = 512

/** The error for a change of an execution that has ended. */
export function executionEnded(): DagstreamError {
  return new DagstreamError('EXECUTION_ENDED', 'The execution has ended, or is about to: its plan cannot be changed')
}

type Step =
  | { readonly kind: 'add'; readonly tasks: AddedTask[]; workflows: Readonly<Record<string, unknown>> | undefined }
  | { readonly kind: 'reject'; readonly line: number; readonly issues: readonly PlanIssue[]; readonly reason?: Reason }
  | { readonly kind: 'remove'; readonly taskIds: readonly string[] }
  | { readonly kind: 'seal' }
  /** Records nothing itself. */
  | { readonly kind: 'mark'; readonly onRecorded: () => void; readonly onDropped: () => void }

/** A change of the document that waits for its turn. */
export interface PendingPatch {
  /** Called with all earlier entries applied. @throws why the patch is refused: nothing has changed then */
  readonly prepare: () => {
    readonly removed: readonly string[]
    readonly added: readonly AddedTask[]
    readonly workflows: Readonly<Record<string, unknown>> | undefined
  }
  /** It is recorded, in this turn. */
  readonly onRecorded: (patched: PatchedPlan) => void
  readonly resolve: (patched: PatchedPlan) => void
  readonly reject: (error: unknown) => void
}

/** A patch that is recorded and not in the log yet. */
interface RecordedPatch {
  readonly patch: PendingPatch
  readonly patched: PatchedPlan
  /** Number of its entries that are not in the log. */
  left: number
}

/** The growth of a document that is accepted and not in the log yet, in its order. */
export class GrowthQueue {
  readonly #recorder: Recorder
  readonly #state: ExecutionState
  readonly #cancel: (reason: Reason) => void
  #steps: Step[] = []
  /** Number of tasks that are not recorded yet. */
  waitingCount = 0
  #room: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined
  readonly #patches: PendingPatch[] = []
  /** A round is due in the next turn. */
  #isDue = false
  #recorded: RecordedPatch | undefined
  /** Why nothing joins any more. */
  failure: DagstreamError | undefined
  /** The execution is about to be ended. */
  isEnding = false
  /** The last line of a step that was given. */
  line: number | undefined

  constructor(parts: {
    readonly recorder: Recorder
    readonly state: ExecutionState
    readonly cancel: (reason: Reason) => void
  }) {
    this.#recorder = parts.recorder
    this.#state = parts.state
    this.#cancel = parts.cancel
  }

  /** Resolves once fewer tasks wait, and no patch: patches are decided with all lines before them applied. */
  get room(): Promise<void> | undefined {
    if (this.waitingCount < MAX_WAITING && this.#patches.length === 0) return undefined
    if (this.#room === undefined) {
      let resolve = (): void => {}
      const promise = new Promise<void>(done => (resolve = done))
      this.#room = { promise, resolve }
    }
    return this.#room.promise
  }

  add(task: AddedTask, workflows: Readonly<Record<string, unknown>> | undefined): void {
    this.line = task.line ?? this.line
    const last = this.#steps.at(-1)
    this.waitingCount += 1
    if (last?.kind === 'add') {
      last.tasks.push(task)
      if (workflows !== undefined) last.workflows = { ...last.workflows, ...workflows }
    } else this.#steps.push({ kind: 'add', tasks: [task], workflows })
    if (this.#isDue) return
    this.#isDue = true
    // Lines that come in one turn join together.
    afterTurn(() => {
      this.#isDue = false
      this.#recorder.wake()
    })
  }

  patch(patch: PendingPatch): void {
    this.#patches.push(patch)
    this.#recorder.wake()
  }

  reject(line: number, issues: readonly PlanIssue[], reason: Reason | undefined): void {
    this.line = line
    if (reason !== undefined) this.isEnding = true
    this.#push({ kind: 'reject', line, issues, ...(reason && { reason }) })
  }

  seal(): void {
    this.#push({ kind: 'seal' })
  }

  /**
   * Calls back once all steps before are recorded, in the same turn: what is recorded then is in the same commit.
   * @returns settles after that; `false`: they never will be
   */
  mark(onRecorded: () => void): Promise<boolean> {
    if (this.failure !== undefined) return Promise.resolve(false)
    return new Promise(resolve => {
      const record = (): void => {
        onRecorded()
        resolve(true)
      }
      this.#push({ kind: 'mark', onRecorded: record, onDropped: () => resolve(false) })
    })
  }

  /** Records all steps, or the next patch. @returns whether there was one */
  record(): boolean {
    if (this.#steps.length === 0) return this.#recordPatch()
    const steps = this.#steps
    this.#steps = []
    this.waitingCount = 0
    let { totalTasks } = this.#state.counts
    for (const step of steps) {
      if (step.kind === 'add') totalTasks += step.tasks.length
      this.#record(step, totalTasks)
    }
    if (this.#patches.length === 0) this.#makeRoom()
    return true
  }

  /** Whether a patch waits for its turn. */
  get hasPatch(): boolean {
    return this.#patches.length > 0
  }

  /** An entry of a change is in the log. */
  applied({ type, data }: LogEntry): void {
    const recorded = this.#recorded
    if (recorded === undefined || (type === 'tasks_added' && data.parentId !== undefined)) return
    recorded.left -= 1
    if (recorded.left > 0) return
    this.#recorded = undefined
    recorded.patch.resolve(recorded.patched)
  }

  #recordPatch(): boolean {
    // The ends of tasks that are recorded decide about others, which the patch may concern.
    const [patch] = this.#patches
    if (patch === undefined) return false
    if (this.#recorder.changes.length > 0) return true
    this.#patches.shift()
    if (this.#patches.length === 0) this.#makeRoom()
    let { totalTasks } = this.#state.counts
    try {
      const { removed, added, workflows } = patch.prepare()
      totalTasks -= removed.length
      if (removed.length > 0) this.#record({ kind: 'remove', taskIds: removed }, totalTasks)
      totalTasks += added.length
      if (added.length > 0) this.#record({ kind: 'add', tasks: [...added], workflows }, totalTasks)
      const left = Math.min(removed.length, 1) + Math.min(added.length, 1)
      this.#recorded = { patch, patched: { totalTasks }, left }
      patch.onRecorded({ totalTasks })
    } catch (error) {
      patch.reject(error)
    }
    return true
  }

  #makeRoom(): void {
    this.#room?.resolve()
    this.#room = undefined
  }

  #record(step: Step, totalTasks: number): void {
    const recorder = this.#recorder
    switch (step.kind) {
      case 'add': {
        const { tasks, workflows } = step
        return recorder.record('tasks_added', recorder.stamp({ tasks, totalTasks, ...(workflows && { workflows }) }))
      }
      case 'remove':
        return recorder.record('tasks_removed', recorder.stamp({ taskIds: step.taskIds, totalTasks }))
      case 'seal':
        return recorder.record('plan_sealed', recorder.stamp({ totalTasks }))
      case 'mark':
        return step.onRecorded()
      default:
        recorder.record('plan_rejected', recorder.stamp({ line: step.line, issues: step.issues }))
        if (step.reason !== undefined) this.#cancel(step.reason)
    }
  }

  /** @param failure why what is recorded will never be in the log; absent: the execution has ended */
  close(failure?: DagstreamError): void {
    this.isEnding = true
    this.failure = failure ?? executionEnded()
    for (const step of this.#steps.splice(0)) if (step.kind === 'mark') step.onDropped()
    this.#recorded?.patch.reject(this.failure)
    this.#recorded = undefined
    for (const { reject } of this.#patches.splice(0)) reject(this.failure)
    this.#makeRoom()
  }

  #push(step: Step): void {
    this.#steps.push(step)
    this.#recorder.wake()
  }
}
