import type { Clock } from '../clock.ts'
import type { RegisteredTool } from '../tools/registry.ts'
import { Deadlines } from './deadlines.ts'
import { LiveAttempts } from './live-attempts.ts'
import { type LocalAttemptEnvironment, LocalAttempt } from './local-attempt.ts'
import type { AbortReason, Answer, AttemptCommand, AttemptKey, AttemptRunner, AttemptSink } from './runner.ts'

/** The parts of a local runner. */
export interface LocalRunnerOptions {
  /** The tools by name, such as those of a `ToolRegistry`. */
  readonly tools: { get(name: string): RegisteredTool | undefined }
  readonly clock: Clock
  /** Time for an aborted tool to settle before it is abandoned, ms. */
  readonly abortGraceMs: number
}

/** Runs tools in this process: checks their arguments, calls them, and enforces their timeouts. */
export class LocalRunner implements AttemptRunner, LocalAttemptEnvironment {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly abortGraceMs: number
  readonly #tools: LocalRunnerOptions['tools']
  readonly #live = new LiveAttempts<LocalAttempt>()

  constructor({ tools, clock, abortGraceMs }: LocalRunnerOptions) {
    this.#tools = tools
    this.clock = clock
    this.abortGraceMs = abortGraceMs
    this.deadlines = new Deadlines(clock)
  }

  start(command: AttemptCommand, sink: AttemptSink): void {
    const tool = this.#tools.get(command.tool)
    if (tool === undefined) {
      const message = `This runner has no tool \`${command.tool}\``
      sink.settled({ status: 'error', code: 'TOOLS_UNAVAILABLE', message, isRetryable: false, executionTimeMs: 0 })
      return
    }
    const attempt = new LocalAttempt(this, tool, command, sink)
    this.#live.add(attempt)
    attempt.start()
  }

  abort(key: AttemptKey, reason: AbortReason): void {
    this.#live.find(key)?.abort(reason)
  }

  answer(key: AttemptKey, number: number, answer: Answer): void {
    this.#live.find(key)?.answer(number, answer)
  }

  /** Whether it runs this attempt. */
  runs(key: AttemptKey): boolean {
    return this.#live.find(key) !== undefined
  }

  abortAll(reason: AbortReason): void {
    for (const attempt of this.#live.list()) attempt.abort(reason)
  }

  close(): void {
    this.deadlines.close()
  }

  /** Called by an attempt at its end. */
  over(attempt: LocalAttempt): void {
    this.#live.remove(attempt)
  }
}
