import { readOptions } from '../engine/resume/recorded-options.ts'
import type { Reason } from '../events/events.ts'
import type { DrainWaiter } from './drain-waiter.ts'
import type { HostedExecution } from './execution/hosted-execution.ts'
import type { RunningExecutions } from './execution/running-executions.ts'
import type { Recovery } from './recovery/recovery.ts'
import type { SubscriberRegistry } from './subscribers/subscriber-registry.ts'

/** Time for readers to receive the rest after all executions have ended, ms. */
const FLUSH_MS = 2000

const SHUTDOWN: Reason = { code: 'SHUTDOWN', message: 'The server is shutting down' }

/** The parts of a host that its shutdown works with. */
export interface ShutdownContext {
  readonly running: RunningExecutions
  readonly recovery: Recovery | undefined
  readonly subscribers: SubscriberRegistry
  readonly waiter: DrainWaiter
  /** Time for running executions to end, and then again for `finally` tasks, ms. */
  readonly drainMs: number
  /** Time for aborted tools to settle, ms. */
  readonly abortGraceMs: number
}

/** Ends the executions of a host within a bounded time. */
export class Shutdown {
  readonly #context: ShutdownContext
  /** The drain time is over: every execution that still runs is ended. */
  #isOver = false

  constructor(context: ShutdownContext) {
    this.#context = context
  }

  /** Lets executions run for the drain time, hands off or cancels the rest, and waits for their readers. */
  async drain(): Promise<void> {
    const { running, subscribers, waiter, drainMs, abortGraceMs } = this.#context
    const isIdle = (): boolean => this.#isIdleBut(() => false)
    // Tools that ignore their abort are abandoned after the grace.
    const endMs = abortGraceMs + FLUSH_MS
    // Executions that only wait for people are not waited for.
    await waiter.waitUntil(() => running.busyCount + (this.#context.recovery?.pendingCount ?? 0) === 0, drainMs)
    this.#isOver = true
    this.#endAll()
    await waiter.waitUntil(() => this.#isIdleBut(({ isFinallyWaiting }) => isFinallyWaiting), endMs)
    if (Array.from(running.all()).some(({ hasFinally }) => hasFinally)) {
      // Wait for the `finally` tasks of cancelled executions, unless they only wait for people. A second cancellation ends them.
      await waiter.waitUntil(
        () => this.#isIdleBut(({ hasFinally, isFinallyWaiting }) => !hasFinally || isFinallyWaiting),
        drainMs,
      )
      this.#endAll()
      await waiter.waitUntil(isIdle, endMs)
    }
    await waiter.waitUntil(() => subscribers.isEmpty, FLUSH_MS)
  }

  /** Once the drain time is over: hands an execution off to the next process where there is one for it, else cancels it. */
  end(hosted: HostedExecution): void {
    if (!this.#isOver) return
    const { recovery } = this.#context
    if (recovery !== undefined && readOptions(hosted.record.options).onCrash !== 'fail') hosted.handOff()
    // Its end shows whether the cancellation was recorded.
    else void hosted.cancel(SHUTDOWN).catch(() => {})
  }

  /** Whether nothing runs but executions that match. */
  #isIdleBut(isIgnored: (hosted: HostedExecution) => boolean): boolean {
    const { running, recovery } = this.#context
    return (recovery?.pendingCount ?? 0) === 0 && Array.from(running.all()).every(isIgnored)
  }

  #endAll(): void {
    for (const hosted of this.#context.running.all()) this.end(hosted)
  }
}
