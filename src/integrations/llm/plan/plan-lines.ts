import { isJsonObject } from '../../../json/describe-json.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import type { AnswerLine } from './answer-lines.ts'

/** What a line of an answer means. */
export type PlanLine =
  | { readonly kind: 'task'; readonly text: string; readonly definition: unknown }
  | { readonly kind: 'seal' }
  | { readonly kind: 'head'; readonly name?: string; readonly description?: string }
  | { readonly kind: 'refused'; readonly text: string; readonly problem: string }

/**
 * Reads what an object means: a task, the end of the plan, a name, or a whole document, whose tasks are lines. Other fields of a
 * document are refused: a plan cannot honour them.
 */
export function* readPlanLine(line: AnswerLine): Generator<PlanLine, void, undefined> {
  const { text } = line
  if ('problem' in line) {
    yield { kind: 'refused', text, problem: line.problem }
    return
  }
  const { value } = line
  const { seal, tasks, name, description, ...rest } = value
  const isDocument = Array.isArray(tasks) || typeof name === 'string'
  if (seal === true && Object.keys(value).length === 1) {
    yield { kind: 'seal' }
    return
  }
  if (!isDocument || Object.hasOwn(value, 'id') || Object.hasOwn(value, 'tool')) {
    yield { kind: 'task', text, definition: value }
    return
  }
  const unknown = Object.keys(rest)
  if (unknown.length > 0 || seal !== undefined) {
    const found = [...unknown, ...(seal === undefined ? [] : ['seal'])].map(each => `\`${each}\``).join(', ')
    yield { kind: 'refused', text, problem: `A plan consists of tasks, one per line; it cannot have ${found}` }
  } else {
    yield {
      kind: 'head',
      ...(typeof name === 'string' && { name }),
      ...(typeof description === 'string' && { description }),
    }
  }
  if (!Array.isArray(tasks)) return
  for (const task of tasks as readonly unknown[]) {
    yield { kind: 'task', text: isJsonObject(task) ? stringifyJson(task) : String(task), definition: task }
  }
}
