import type { AttemptKey } from './runner.ts'
import { Expiring } from './deadlines.ts'

/** An attempt that is its own node in the list of running attempts. */
export abstract class Linked extends Expiring {
  abstract readonly key: AttemptKey
  /** Owned by `LiveAttempts`. */
  before: Linked | undefined = undefined
  /** Owned by `LiveAttempts`. */
  after: Linked | undefined = undefined
}

/**
 * The running attempts of a runner, found by key. The map is created at the first lookup, since most executions abort
 * nothing.
 */
export class LiveAttempts<Attempt extends Linked> {
  #first: Linked | undefined
  #byKey: Map<string, Attempt> | undefined
  #size = 0

  get size(): number {
    return this.#size
  }

  add(attempt: Attempt): void {
    this.#size += 1
    attempt.after = this.#first
    if (this.#first !== undefined) this.#first.before = attempt
    this.#first = attempt
    this.#byKey?.set(write(attempt.key), attempt)
  }

  remove(attempt: Attempt): void {
    this.#size -= 1
    if (attempt.before === undefined) this.#first = attempt.after
    else attempt.before.after = attempt.after
    if (attempt.after !== undefined) attempt.after.before = attempt.before
    attempt.before = attempt.after = undefined
    this.#byKey?.delete(write(attempt.key))
  }

  list(): Attempt[] {
    const list: Attempt[] = []
    for (let each = this.#first; each !== undefined; each = each.after) list.push(each as Attempt)
    return list
  }

  find(key: AttemptKey): Attempt | undefined {
    this.#byKey ??= this.#index()
    return this.#byKey.get(write(key))
  }

  #index(): Map<string, Attempt> {
    const byKey = new Map<string, Attempt>()
    for (let each = this.#first; each !== undefined; each = each.after) byKey.set(write(each.key), each as Attempt)
    return byKey
  }
}

function write({ executionId, taskId, attempt }: AttemptKey): string {
  return `${executionId}.${attempt}.${taskId}`
}
