import type { AttemptKey } from '../attempt/runner.ts'
import type { HeldAttempt } from './held-attempt.ts'

/** The attempts of a worker by their keys. */
export class HeldAttempts implements Iterable<HeldAttempt> {
  readonly #byKey = new Map<string, HeldAttempt>()
  #waiting: (() => void)[] = []

  get size(): number {
    return this.#byKey.size
  }

  /** Attempts that count towards the concurrency. */
  get busyCount(): number {
    let count = 0
    for (const attempt of this.#byKey.values()) if (attempt.isBusy) count += 1
    return count
  }

  get keys(): readonly AttemptKey[] {
    return Array.from(this.#byKey.values(), ({ key }) => key)
  }

  add(attempt: HeldAttempt): void {
    this.#byKey.set(write(attempt.key), attempt)
  }

  find(key: AttemptKey): HeldAttempt | undefined {
    return this.#byKey.get(write(key))
  }

  delete(attempt: HeldAttempt): void {
    this.#byKey.delete(write(attempt.key))
    if (this.#byKey.size > 0) return
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** Resolves once there are none. */
  empty(): Promise<void> {
    return this.#byKey.size === 0 ? Promise.resolve() : new Promise(resolve => this.#waiting.push(resolve))
  }

  [Symbol.iterator](): Iterator<HeldAttempt> {
    // A copy: attempts end while they are visited.
    return [...this.#byKey.values()][Symbol.iterator]()
  }
}

function write({ executionId, taskId, attempt }: AttemptKey): string {
  return `${executionId}.${attempt}.${taskId}`
}
