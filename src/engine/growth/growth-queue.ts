import { afterTurn } from '../../clock.ts'
import { DagstreamError } from '../../errors.ts'
import type { AddedTask, PlanIssue, Reason } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import type { Recorder } from '../recorder.ts'

/** Number of waiting tasks above which a planner waits. */
const MAX_WAITING = 512

/** The error for a change of an execution that has ended. */
export function executionEnded(): DagstreamError {
  return new DagstreamError('EXECUTION_ENDED', 'The execution has ended: its plan cannot be changed')
}

type Step =
  | { readonly kind: 'add'; readonly tasks: AddedTask[]; workflows: Readonly<Record<string, unknown>> | undefined }
  | { readonly kind: 'reject'; readonly line: number; readonly issues: readonly PlanIssue[]; readonly reason?: Reason }
  | { readonly kind: 'remove'; readonly taskIds: readonly string[] }
  | { readonly kind: 'seal' }

/** A change of the document that waits for its turn. */
export interface PendingPatch {
  /** Called with all earlier entries applied. @throws why the patch is refused: nothing has changed then */
  readonly prepare: () => {
    readonly removed: readonly string[]
    readonly added: readonly AddedTask[]
    readonly workflows: Readonly<Record<string, unknown>> | undefined
  }
  readonly resolve: (totalTasks: number) => void
  readonly reject: (error: unknown) => void
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
  /** Of a patch that is recorded. */
  #settle: (() => void) | undefined
  /** A round is due in the next turn. */
  #isDue = false
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

  /** Resolves once fewer tasks wait. */
  get room(): Promise<void> | undefined {
    if (this.waitingCount < MAX_WAITING) return undefined
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

  /** Records all steps. Invariant: all earlier entries are applied. @returns whether there was one */
  record(): boolean {
    this.#settle?.()
    this.#settle = undefined
    // A patch is decided with all lines before it applied.
    if (this.#steps.length === 0) return this.#recordPatch()
    const steps = this.#steps
    this.#steps = []
    this.waitingCount = 0
    let { totalTasks } = this.#state.counts
    for (const step of steps) {
      if (step.kind === 'add') totalTasks += step.tasks.length
      if (step.kind === 'remove') totalTasks -= step.taskIds.length
      this.#record(step, totalTasks)
    }
    this.#room?.resolve()
    this.#room = undefined
    return true
  }

  #recordPatch(): boolean {
    const patch = this.#patches.shift()
    if (patch === undefined) return false
    let { totalTasks } = this.#state.counts
    try {
      const { removed, added, workflows } = patch.prepare()
      totalTasks -= removed.length
      if (removed.length > 0) this.#record({ kind: 'remove', taskIds: removed }, totalTasks)
      totalTasks += added.length
      if (added.length > 0) this.#record({ kind: 'add', tasks: [...added], workflows }, totalTasks)
      this.#settle = () => patch.resolve(totalTasks)
    } catch (error) {
      patch.reject(error)
    }
    return true
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
      default:
        recorder.record('plan_rejected', recorder.stamp({ line: step.line, issues: step.issues }))
        if (step.reason !== undefined) this.#cancel(step.reason)
    }
  }

  close(): void {
    this.isEnding = true
    this.#steps = []
    this.#settle?.()
    for (const { reject } of this.#patches.splice(0)) reject(executionEnded())
    this.#room?.resolve()
  }

  #push(step: Step): void {
    this.#steps.push(step)
    this.#recorder.wake()
  }
}
