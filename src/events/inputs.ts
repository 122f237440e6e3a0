import type { EventFor, InputOutcome, InputQuestion } from './events.ts'

/** A question and its outcome. */
export interface InputState extends InputQuestion {
  /** Absent while it is open. */
  outcome?: InputOutcome
  /** The answer, or the default of an expired question; absent for a secret, and once its task has ended. */
  response?: unknown
}

/** The questions of an execution, by task. */
export type InputMap = Map<string, InputState[]>

type ReadonlyInputMap = ReadonlyMap<string, readonly InputState[]> | undefined

/** The id of a question. @param number from 1; 0 for the approval */
export function formatInputId(taskId: string, number: number): string {
  return `${taskId}.${number}`
}

/** The inverse of `formatInputId`; `undefined` for any other text. */
export function parseInputId(inputId: string): { readonly taskId: string; readonly number: number } | undefined {
  const match = /^(.+)\.(0|[1-9][0-9]{0,8})$/s.exec(inputId)
  return match ? { taskId: match[1] as string, number: Number(match[2]) } : undefined
}

/** A question by its id, open or closed. */
export function findInput(inputs: ReadonlyInputMap, inputId: string): InputState | undefined {
  if (inputs === undefined) return undefined
  const taskId = parseInputId(inputId)?.taskId
  return taskId === undefined ? undefined : inputs.get(taskId)?.find(input => input.inputId === inputId)
}

/** Whether a task has an open question. */
export function hasOpenInput(inputs: ReadonlyInputMap, taskId: string): boolean {
  return inputs?.get(taskId)?.some(input => input.outcome === undefined) === true
}

/** The open questions of one task. */
export function listOpenOf(inputs: ReadonlyInputMap, taskId: string): readonly InputState[] {
  return inputs?.get(taskId)?.filter(input => input.outcome === undefined) ?? []
}

/** All open questions, by task, in the order in which they were asked. */
export function listOpenInputs(inputs: ReadonlyInputMap): InputQuestion[] {
  const open: InputQuestion[] = []
  for (const each of inputs?.values() ?? []) {
    for (const input of each) if (input.outcome === undefined) open.push(pickQuestion(input))
  }
  return open
}

/** The fields of a question among others. */
export function pickQuestion(from: InputQuestion): InputQuestion {
  const { taskId, inputId, message, responseSchema, expiresAt, kind, secret, index, item } = from
  return {
    taskId,
    inputId,
    message,
    ...(responseSchema !== undefined && { responseSchema }),
    ...(expiresAt !== undefined && { expiresAt }),
    kind,
    ...(secret && { secret }),
    ...(index !== undefined && { index }),
    ...(item !== undefined && { item }),
  }
}

/** For the reducer: a question is asked, or, after its secret answer was lost, asked again. */
export function openInput(inputs: InputMap, data: EventFor<'input_required'>['data']): void {
  const input: InputState = pickQuestion(data)
  const of = inputs.get(data.taskId)
  if (of === undefined) return void inputs.set(data.taskId, [input])
  const at = of.findIndex(({ inputId }) => inputId === data.inputId)
  if (at < 0) of.push(input)
  else of[at] = input
}

/** For the reducer. */
export function closeInput(inputs: InputMap | undefined, data: EventFor<'input_resolved'>['data']): void {
  const input = inputs?.get(data.taskId)?.find(({ inputId }) => inputId === data.inputId)
  if (input === undefined) return
  input.outcome = data.outcome
  if (data.response !== undefined) input.response = data.response
}

/** For the reducer: a task has ended. Its questions stay known, so that a late answer differs from a wrong id. */
export function closeInputs(inputs: InputMap | undefined, taskId: string): void {
  const of = inputs?.get(taskId)
  if (of === undefined) return
  const closed = of.map(
    ({ inputId, kind, outcome = 'cancelled' }): InputState => ({ taskId, inputId, kind, message: '', outcome }),
  )
  inputs?.set(taskId, closed)
}

/** An independent copy. */
export function copyInputs(inputs: InputMap): InputMap {
  return new Map(Array.from(inputs, ([taskId, of]) => [taskId, of.map(input => ({ ...input }))]))
}

/** The open questions of a snapshot. */
export function restoreInputs(open: readonly InputQuestion[]): InputMap {
  const inputs: InputMap = new Map()
  for (const question of open) {
    const input = pickQuestion(question)
    const of = inputs.get(question.taskId)
    if (of === undefined) inputs.set(question.taskId, [input])
    else of.push(input)
  }
  return inputs
}
