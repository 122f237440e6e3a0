import type { Answer, AttemptRunner, Question } from '../../attempt/runner.ts'
import type { EventFor } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
import { findInput, formatInputId, type InputState, listOpenInputs, parseInputId } from '../../events/inputs.ts'
import type { LogEntry } from '../../events/log-entry.ts'
import type { Permits } from '../../scheduler/permits.ts'
import type { TaskTable } from '../../scheduler/task-table.ts'
import type { ActiveAttempt } from '../active-attempt.ts'
import { cutMessage } from '../emissions.ts'
import type { Recorder } from '../recorder.ts'
import { describeMismatch, isSameQuestion, toAnswer } from './answers.ts'
import type { InputDesk } from './input-desk.ts'
import type { SecretAnswers } from './secret-answers.ts'

/** The parts of an execution that its questions work with. */
export interface InputParts {
  readonly table: TaskTable
  readonly state: ExecutionState
  readonly recorder: Recorder
  readonly permits: Permits
  readonly runner: AttemptRunner
  readonly secrets: SecretAnswers
  readonly desk: InputDesk
  /** The fields of a question that describe its item. */
  readonly describeItem: (task: number) => Pick<InputState, 'index' | 'item'>
}

/** An attempt that has asked. */
interface Asking {
  readonly attempt: ActiveAttempt
  /** Questions whose answers are awaited. Few: an array takes less memory than a map. */
  awaited: readonly Question[]
  /** Answers for the tool, which gets them once none is awaited and it has its slot. */
  answers: (readonly [number: number, answer: Answer])[]
  /** It waits for a slot. */
  isQueued: boolean
}

/**
 * The questions that attempts ask. While an answer is awaited the attempt holds no slot and no permit; both are taken again
 * before its tool continues. Answers to earlier attempts come from the log.
 */
export class Inputs {
  readonly #parts: InputParts
  readonly #asking = new Map<number, Asking>()
  /** Questions by task that are recorded and not in the log yet. */
  readonly #recorded = new Map<number, Set<string>>()

  constructor(parts: InputParts) {
    this.#parts = parts
  }

  /** Attempts that hold no slot, since they wait for an answer. */
  get waitingCount(): number {
    let count = 0
    for (const { awaited } of this.#asking.values()) if (awaited.length > 0) count += 1
    return count
  }

  /** The tool of an attempt asks. */
  ask(attempt: ActiveAttempt, question: Question): void {
    const { state, secrets, desk, table, permits, recorder } = this.#parts
    const { index, task } = attempt
    const { number } = question
    const asking = this.#askingOf(attempt)
    const inputId = formatInputId(task.id, number)
    const known = findInput(state.inputs, inputId)
    if (known !== undefined && !isSameQuestion(known, question)) {
      return this.#answer(asking, number, describeMismatch(inputId))
    }
    if (known?.outcome !== undefined && known.outcome !== 'cancelled') {
      const answer = toAnswer(known, question, secrets.get(inputId))
      if (answer !== undefined) return this.#answer(asking, number, answer)
    }
    asking.awaited = [...asking.awaited, question]
    if (known === undefined || known.outcome !== undefined) return this.#record(asking, question, inputId)
    // An earlier attempt has asked it, and it is open.
    table.starts.detach(index)
    permits.release(index)
    recorder.wake()
    desk.open(known, question.default)
  }

  /** Before the first attempt of a task. */
  askApproval(task: number, message: string, expiresMs: number | undefined): void {
    const { recorder, desk, table, describeItem } = this.#parts
    const taskId = table.graph.idOf(task)
    const inputId = formatInputId(taskId, 0)
    const expiry = desk.expiryOf(expiresMs)
    const data = {
      taskId,
      inputId,
      message: cutMessage(message),
      ...expiry,
      kind: 'approval',
      ...describeItem(task),
    } as const
    this.#noteRecorded(task, inputId)
    recorder.record('input_required', recorder.stamp(data), task)
    if (desk.isUnattended(expiry.expiresAt)) desk.expire(inputId, task)
  }

  /** Open approvals of an earlier process. */
  restore(): void {
    const { state, desk } = this.#parts
    for (const input of listOpenInputs(state.inputs)) if (input.kind === 'approval') desk.open(input, undefined)
  }

  /** A question or its answer is in the log. */
  applied({ type, data, taskIndex }: LogEntry): void {
    if (type === 'input_required') this.#required(data, taskIndex)
    else if (type === 'input_resolved') this.#resolved(data, taskIndex)
  }

  /** A task that waited for an answer was chosen to go on. @returns whether it was one */
  resume(task: number): boolean {
    const { table, permits } = this.#parts
    if (!table.starts.holds(task)) return false
    const asking = this.#asking.get(task)
    if (asking !== undefined) asking.isQueued = false
    if (asking !== undefined && asking.awaited.length === 0) this.#deliver(asking)
    else {
      table.starts.detach(task)
      permits.release(task)
    }
    return true
  }

  /** An attempt is over. */
  settled(task: number): void {
    this.#asking.delete(task)
  }

  /** A task ends: closes its open questions before that is recorded. */
  close(task: number): void {
    const { state, table, desk } = this.#parts
    if (state.inputs === undefined && this.#recorded.size === 0) return
    const open = state.inputs?.get(table.graph.idOf(task))?.filter(({ outcome }) => outcome === undefined) ?? []
    const ids = new Set([...open.map(({ inputId }) => inputId), ...(this.#recorded.get(task) ?? [])])
    for (const inputId of ids) desk.cancel(inputId, task)
  }

  /** The end of a task is in the log. */
  ended(task: number): void {
    this.#parts.permits.release(task)
    this.#parts.secrets.ended(this.#parts.table.graph.idOf(task))
  }

  #record(asking: Asking, question: Question, inputId: string): void {
    const { recorder, desk, describeItem } = this.#parts
    const { attempt } = asking
    const { message, schema, expiresMs, secret } = question
    const expiry = desk.expiryOf(expiresMs)
    attempt.flush()
    this.#noteRecorded(attempt.index, inputId)
    const data = {
      taskId: attempt.task.id,
      inputId,
      message: cutMessage(message),
      ...(schema !== undefined && { responseSchema: schema }),
      ...expiry,
      kind: 'question' as const,
      ...(secret && { secret: true as const }),
      ...describeItem(attempt.index),
    }
    recorder.record('input_required', recorder.stamp(data), attempt.index)
    if (desk.isUnattended(expiry.expiresAt)) desk.expire(inputId, attempt.index, secret ? undefined : question.default)
  }

  #noteRecorded(task: number, inputId: string): void {
    const recorded = this.#recorded.get(task)
    if (recorded === undefined) this.#recorded.set(task, new Set([inputId]))
    else recorded.add(inputId)
  }

  #required(data: EventFor<'input_required'>['data'], task: number): void {
    const { table, permits, desk } = this.#parts
    const recorded = this.#recorded.get(task)
    if (recorded?.delete(data.inputId) && recorded.size === 0) this.#recorded.delete(task)
    const question = findAwaited(this.#asking.get(task), data.inputId)
    if (question !== undefined) {
      table.starts.detach(task)
      permits.release(task)
    }
    if (question !== undefined || data.kind === 'approval') desk.open(data, question?.default)
  }

  #resolved(data: EventFor<'input_resolved'>['data'], task: number): void {
    const { state, secrets, desk } = this.#parts
    const { inputId } = data
    desk.closed(inputId)
    const asking = this.#asking.get(task)
    const question = findAwaited(asking, inputId)
    const known = findInput(state.inputs, inputId)
    if (asking === undefined || question === undefined || known === undefined) return
    const answer = toAnswer(known, question, secrets.get(inputId))
    if (answer === undefined) return
    asking.awaited = asking.awaited.filter(each => each !== question)
    this.#answer(asking, question.number, answer)
  }

  #answer(asking: Asking, number: number, answer: Answer): void {
    asking.answers.push([number, answer])
    // The tool may ask more in the same turn, and waits for all of it.
    queueMicrotask(() => this.#proceed(asking))
  }

  #proceed(asking: Asking): void {
    const { attempt, awaited, answers, isQueued } = asking
    const isOver = attempt.report !== undefined || this.#asking.get(attempt.index) !== asking
    if (isOver || awaited.length > 0 || answers.length === 0) return
    const { table, recorder } = this.#parts
    if (table.starts.holds(attempt.index)) return this.#deliver(asking)
    if (isQueued) return
    asking.isQueued = true
    table.starts.add(attempt.index)
    recorder.wake()
  }

  #deliver(asking: Asking): void {
    const { runner, recorder } = this.#parts
    const { attempt, answers } = asking
    asking.answers = []
    const key = { executionId: recorder.executionId, taskId: attempt.task.id, attempt: attempt.number }
    for (const [number, answer] of answers) runner.answer(key, number, answer)
  }

  #askingOf(attempt: ActiveAttempt): Asking {
    let asking = this.#asking.get(attempt.index)
    if (asking === undefined || asking.attempt !== attempt) {
      asking = { attempt, awaited: [], answers: [], isQueued: false }
      this.#asking.set(attempt.index, asking)
    }
    return asking
  }
}

function findAwaited(asking: Asking | undefined, inputId: string): Question | undefined {
  const number = parseInputId(inputId)?.number
  return asking?.awaited.find(each => each.number === number)
}
