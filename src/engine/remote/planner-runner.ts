import type { LocalRunner } from '../../attempt/local-runner.ts'
import type {
  AbortReason,
  Answer,
  AttemptCommand,
  AttemptKey,
  AttemptRunner,
  AttemptSink,
} from '../../attempt/runner.ts'
import { INTERRUPTED } from '../interruption.ts'
import type { RemoteRunner } from './remote-runner.ts'

/**
 * Runs planners in this process, whose tasks join its execution, beside attempts on workers. Planners have no order: the next
 * coordinator finds them interrupted.
 */
export class PlannerRunner implements AttemptRunner {
  readonly #own: LocalRunner
  readonly #remote: RemoteRunner

  constructor(own: LocalRunner, remote: RemoteRunner) {
    this.#own = own
    this.#remote = remote
  }

  /** Of a planner; others are ordered. */
  start(command: AttemptCommand, sink: AttemptSink): void {
    this.#own.start(command, sink)
  }

  abort(key: AttemptKey, reason: AbortReason): void {
    this.#runnerOf(key).abort(key, reason)
  }

  answer(key: AttemptKey, number: number, answer: Answer): void {
    this.#runnerOf(key).answer(key, number, answer)
  }

  /** Another process may continue: planners stop here, attempts on workers do not. */
  close(): void {
    this.#own.abortAll({ code: 'SHUTTING_DOWN', message: INTERRUPTED.message })
    this.#own.close()
    this.#remote.close()
  }

  #runnerOf(key: AttemptKey): AttemptRunner {
    return this.#own.runs(key) ? this.#own : this.#remote
  }
}
