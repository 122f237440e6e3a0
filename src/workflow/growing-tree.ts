import type { CheckedTask, TaskTree } from './checked-document.ts'
import { findClash } from './words/child-ids.ts'
import { growNested, runsOnce } from './words/task-tree.ts'

/** Finds tasks of a growing document that would have the id of a task inside another one. */
export class GrowingTree {
  readonly #tree = new Map<string, TaskTree | undefined>()
  /** By each part of an id before a slash: the ids that begin with it. */
  readonly #below = new Map<string, Set<string>>()

  /** @returns an id that two tasks would have */
  findClash(task: CheckedTask): string | undefined {
    const { id } = task
    const nested = runsOnce(task) ? growNested(task) : undefined
    const below = nested === undefined ? undefined : this.#below.get(id)
    if (below === undefined && !id.includes('/')) return undefined
    const isKnown = this.#tree.has(id)
    if (!isKnown) this.#tree.set(id, nested)
    const found = this.#search(id, below)
    if (!isKnown) this.#tree.delete(id)
    return found
  }

  add(task: CheckedTask): void {
    const { id } = task
    this.#tree.set(id, runsOnce(task) ? growNested(task) : undefined)
    for (const prefix of prefixesOf(id)) {
      const ids = this.#below.get(prefix)
      if (ids === undefined) this.#below.set(prefix, new Set([id]))
      else ids.add(id)
    }
  }

  remove(id: string): void {
    this.#tree.delete(id)
    for (const prefix of prefixesOf(id)) this.#below.get(prefix)?.delete(id)
  }

  #search(id: string, below: Iterable<string> = []): string | undefined {
    for (const prefix of prefixesOf(id)) {
      const clash = this.#tree.get(prefix) === undefined ? undefined : findClash(this.#tree, prefix, id)
      if (clash !== undefined) return clash
    }
    for (const other of below) {
      const clash = findClash(this.#tree, id, other)
      if (clash !== undefined) return clash
    }
    return undefined
  }
}

function* prefixesOf(id: string): Iterable<string> {
  for (let end = id.indexOf('/'); end >= 0; end = id.indexOf('/', end + 1)) yield id.slice(0, end)
}
