import { quoteName } from '../tools/json-pointer.ts'
import { Suggestions } from '../tools/suggestion.ts'
import { type ReadDocument, usesWords } from './read-document.ts'

/** The ids of one document's tasks. Tasks of `finally` follow the others. */
export class TaskIndex {
  /** Number of entries of `tasks`: index of the first task of `finally`. */
  readonly mainCount: number
  readonly hasFinally: boolean
  /** Whether a task is more than one call of one tool, after the success of its dependencies. */
  readonly usesLanguage: boolean
  /** Index of the first task with each id. */
  readonly #indices = new Map<string, number>()
  #hints: Suggestions | undefined

  constructor({ tasks = [], finally: last = [] }: ReadDocument) {
    this.mainCount = tasks.length
    this.hasFinally = last.length > 0
    let usesLanguage = this.hasFinally
    for (const [index, task] of tasks.entries()) {
      if (task === undefined) continue
      if (task.id !== undefined && !this.#indices.has(task.id)) this.#indices.set(task.id, index)
      usesLanguage ||= usesWords(task)
    }
    for (const [index, task] of last.entries()) {
      if (task?.id !== undefined && !this.#indices.has(task.id)) this.#indices.set(task.id, this.mainCount + index)
    }
    this.usesLanguage = usesLanguage
  }

  get(id: string): number | undefined {
    return this.#indices.get(id)
  }

  isFinally(index: number): boolean {
    return index >= this.mainCount
  }

  /** The path of a task in its document. */
  pathOf(index: number): readonly [string, number] {
    return this.isFinally(index) ? ['finally', index - this.mainCount] : ['tasks', index]
  }

  /** A hint for an id that is unknown, or that of a task in the other list. */
  hintFor(id: string): string {
    const index = this.#indices.get(id)
    if (index === undefined) return (this.#hints ??= new Suggestions(this.#indices.keys(), 'tasks')).hintFor(id)
    return this.isFinally(index)
      ? `${quoteName(id)} is a \`finally\` task, which runs after all others`
      : `${quoteName(id)} has settled before \`finally\` begins: only \`finally\` tasks can be waited for`
  }
}
