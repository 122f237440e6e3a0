import type { EventFor } from '../../events/events.ts'

/** The questions of one task. */
interface Questions {
  /** Few: an array takes less memory than a set. */
  open: readonly string[]
  /** Present once its approval was resolved. */
  approval?: Approval
}

/** The outcome of the approval of a task. */
export type Approval = 'approved' | 'declined' | 'expired' | 'cancelled'

/** The open questions of tasks, and the outcomes of their approvals. It changes by events alone. */
export class TaskInputs {
  /** By task index; made for the first question, since most executions have none. */
  #tasks: Map<number, Questions> | undefined

  required(task: number, { inputId }: EventFor<'input_required'>['data']): void {
    this.#tasks ??= new Map()
    const questions = this.#tasks.get(task)
    if (questions === undefined) this.#tasks.set(task, { open: [inputId] })
    else if (!questions.open.includes(inputId)) questions.open = [...questions.open, inputId]
  }

  /** @returns whether that closed the last open question of the task */
  resolved(task: number, { taskId, inputId, outcome, response }: EventFor<'input_resolved'>['data']): boolean {
    const questions = this.#tasks?.get(task)
    if (questions === undefined || !questions.open.includes(inputId)) return false
    questions.open = questions.open.filter(id => id !== inputId)
    if (inputId === `${taskId}.0`) {
      questions.approval = outcome === 'answered' ? (response === true ? 'approved' : 'declined') : outcome
    }
    return questions.open.length === 0
  }

  /** A task has ended. */
  ended(task: number): void {
    this.#tasks?.delete(task)
  }

  hasOpen(task: number): boolean {
    return (this.#tasks?.get(task)?.open.length ?? 0) > 0
  }

  approvalOf(task: number): Approval | undefined {
    return this.#tasks?.get(task)?.approval
  }

  /** No task has had a question. */
  get areUnused(): boolean {
    return this.#tasks === undefined
  }

  /** Plain data, for tests and diagnostics. */
  inspect(task: number): unknown {
    const questions = this.#tasks?.get(task)
    return questions && { open: [...questions.open], approval: questions.approval }
  }
}
