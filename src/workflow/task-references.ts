import { formatPointer, quoteName } from '../tools/json-pointer.ts'
import type { ReadDocument, ReadTask } from './read-document.ts'
import type { Reference } from './references.ts'
import { TaskIndex } from './task-index.ts'
import { report, type Walk } from './walk.ts'
import type { InputReference } from './workflow-input.ts'

const NONE: readonly never[] = Object.freeze([])

/** Collects the dependencies of the tasks of one document, task by task. */
export class TaskReferences {
  readonly index: TaskIndex
  readonly #walk: Walk
  /** Length of the path to a task's arguments. */
  readonly #argumentsDepth: number

  // State of the task being checked.
  #id: string | undefined
  #isFinally = false
  /** Whether references add dependencies; those of the output do not. */
  #isTask = true
  #dependencies: number[] = []
  /** Number of dependencies that are listed, not referred to. */
  #listed = 0
  #inputReferences: InputReference[] = []
  #pointers: string[] | undefined

  /** @param walk at the document */
  constructor(document: ReadDocument, walk: Walk, isGrowing = false) {
    this.index = new TaskIndex(document, isGrowing)
    this.#walk = walk
    // `tasks`, the index, `arguments`.
    this.#argumentsDepth = walk.path.length + 3
  }

  /** Begins a task, or, without a task, the output. */
  begin(task: ReadTask | undefined, isFinally: boolean): void {
    this.#id = task?.id
    this.#isTask = task !== undefined
    this.#isFinally = isFinally
    this.#dependencies = []
    this.#listed = 0
    this.#inputReferences = []
    this.#pointers = undefined
    if (task === undefined) return
    this.#addListed('dependsOn', task.dependsOn)
    this.#addListed('depends_on', task.depends_on)
    this.#listed = this.#dependencies.length
  }

  /** Collects from here on the pointers, relative to the arguments, of the strings with references. */
  collectPointers(): readonly string[] {
    return (this.#pointers = [])
  }

  get inputReferences(): readonly InputReference[] {
    return this.#inputReferences.length === 0 ? NONE : this.#inputReferences
  }

  /** The tasks that are referred to: unique, ascending. */
  takeReads(): readonly number[] {
    return sortUnique(this.#dependencies.slice(this.#listed))
  }

  /** The tasks that are listed or referred to: unique, ascending. Call it once, after `takeReads`. */
  takeDependencies(): readonly number[] {
    return sortUnique(this.#dependencies)
  }

  /** Adds a reference in the string at the walk's path. */
  add(reference: Reference, behind: string): void {
    const { path } = this.#walk
    const { source, taskId } = reference
    this.#pointers?.push(formatPointer(path.slice(this.#argumentsDepth)))
    if (source === 'input') this.#inputReferences.push({ reference, pointer: formatPointer(path), behind })
    else if (taskId !== undefined) this.refer(taskId)
    if (source === 'error') this.#checkError(reference)
  }

  /** Adds a dependency on a task that the value at the walk's path names. */
  refer(taskId: string): void {
    const index = this.index.get(taskId)
    if (index === undefined || taskId === this.#id) this.#refuse(taskId, 'UNKNOWN_REFERENCE')
    else if (this.#isTask) {
      if (this.index.isFinally(index) === this.#isFinally) this.#dependencies.push(index)
      // The others have settled when `finally` begins.
      else if (!this.#isFinally) this.#refuse(taskId, 'UNKNOWN_REFERENCE')
    }
  }

  #addListed(field: 'dependsOn' | 'depends_on', ids: ReadTask['dependsOn']): void {
    if (ids === undefined) return
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]
      if (id === undefined) continue
      const index = this.index.get(id)
      if (index !== undefined && id !== this.#id && this.index.isFinally(index) === this.#isFinally) {
        this.#dependencies.push(index)
        continue
      }
      this.#walk.path.push(field, i)
      this.#refuse(id, 'UNKNOWN_DEPENDENCY')
      this.#walk.path.length -= 2
    }
  }

  #refuse(id: string, code: 'UNKNOWN_DEPENDENCY' | 'UNKNOWN_REFERENCE'): void {
    if (id === this.#id) {
      report(this.#walk, 'SELF_DEPENDENCY', () => `The task ${quoteName(id)} depends on itself`)
      return
    }
    if (this.index.isGrowing) {
      const earlier = (): string => `There is no earlier task ${quoteName(id)}`
      report(this.#walk, 'FORWARD_DEPENDENCY', earlier, () => this.index.hintFor(id))
      return
    }
    const list = this.#isFinally ? 'finally' : 'tasks'
    const message = (): string =>
      this.index.get(id) === undefined
        ? `There is no task ${quoteName(id)}`
        : `There is no task ${quoteName(id)} in \`${list}\``
    report(this.#walk, code, message, () => this.index.hintFor(id))
  }

  #checkError({ path: [member], text }: Reference): void {
    if (member === undefined || member === 'code' || member === 'message') return
    report(
      this.#walk,
      'UNKNOWN_REFERENCE',
      () => `${quoteName(text)} does not exist`,
      () => 'An error has `code` and `message`',
    )
  }
}

function sortUnique(indices: number[]): readonly number[] {
  if (indices.length === 0) return NONE
  if (isAscending(indices)) return indices
  indices.sort((a, b) => a - b)
  return indices.filter((index, i) => index !== indices[i - 1])
}

/** Fast path: most lists are short and sorted. */
function isAscending(indices: readonly number[]): boolean {
  for (let i = 1; i < indices.length; i++) if ((indices[i] as number) <= (indices[i - 1] as number)) return false
  return true
}
