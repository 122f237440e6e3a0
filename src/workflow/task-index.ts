import { quoteName } from '../tools/json-pointer.ts'
import { Suggestions } from '../tools/suggestion.ts'
import { type ReadDocument, usesWords } from './read-document.ts'

/** Number of ids that a hint of a growing document considers. */
const MAX_RECENT = 100

/** The ids of one document's tasks. Tasks of `finally` follow the others. */
export class TaskIndex {
  /** Number of entries of `tasks`: index of the first task of `finally`. */
  mainCount: number
  readonly hasFinally: boolean
  /** Whether a task is more than one call of one tool, after the success of its dependencies. */
  readonly usesLanguage: boolean
  /** Whether tasks are added one by one: each may depend on earlier ones only. */
  readonly isGrowing: boolean
  /** Index of the first task with each id. */
  readonly #indices = new Map<string, number>()
  /** Whether no id is that of two tasks. */
  readonly #isUnique: boolean
  #idCount = 0
  /** Of a growing document: the last ids, for hints. */
  readonly #recent: string[] = []
  #hints: Suggestions | undefined

  /** @param isGrowing the document has no tasks yet: see `grow` */
  constructor({ tasks = [], finally: last = [] }: ReadDocument, isGrowing = false) {
    this.mainCount = tasks.length
    this.hasFinally = last.length > 0
    this.isGrowing = isGrowing
    let usesLanguage = this.hasFinally || isGrowing
    // Backwards, so that the first of several stays, with one access for each. Hints turn it round.
    for (let index = last.length - 1; index >= 0; index--) this.#set(last[index]?.id, this.mainCount + index)
    for (let index = tasks.length - 1; index >= 0; index--) {
      const task = tasks[index]
      this.#set(task?.id, index)
      usesLanguage ||= task !== undefined && usesWords(task)
    }
    this.usesLanguage = usesLanguage
    this.#isUnique = !isGrowing && this.#indices.size === this.#idCount
  }

  /** Adds the next task of a growing document. */
  grow(id: string): void {
    this.#indices.set(id, this.mainCount)
    this.mainCount += 1
    this.#recent.push(id)
    if (this.#recent.length === 2 * MAX_RECENT) this.#recent.splice(0, MAX_RECENT)
  }

  /** Removes a task of a growing document: its id is free again, its index is not. */
  shrink(id: string): void {
    this.#indices.delete(id)
  }

  /** Without those that were removed. */
  #listRecent(): readonly string[] {
    return this.#recent.filter(id => this.#indices.has(id))
  }

  #set(id: string | undefined, index: number): void {
    if (id === undefined) return
    this.#idCount += 1
    this.#indices.set(id, index)
  }

  /** The index of the first task with the id of this one. */
  firstOf(id: string, index: number): number | undefined {
    return this.#isUnique ? index : this.#indices.get(id)
  }

  get(id: string): number | undefined {
    return this.#indices.get(id)
  }

  isFinally(index: number): boolean {
    return !this.isGrowing && index >= this.mainCount
  }

  /** The path of a task in its document. */
  pathOf(index: number): readonly [string, number] {
    return this.isFinally(index) ? ['finally', index - this.mainCount] : ['tasks', index]
  }

  /** A hint for an id that is unknown, or that of a task in the other list. */
  hintFor(id: string): string {
    const index = this.#indices.get(id)
    if (this.isGrowing) return new Suggestions(this.#listRecent(), 'earlier tasks').hintFor(id)
    if (index === undefined)
      return (this.#hints ??= new Suggestions([...this.#indices.keys()].toReversed(), 'tasks')).hintFor(id)
    return this.isFinally(index)
      ? `${quoteName(id)} is a \`finally\` task, which runs after all others`
      : `${quoteName(id)} has settled before \`finally\` begins: only \`finally\` tasks can be waited for`
  }
}
