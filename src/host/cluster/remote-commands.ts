import type { Clock } from '../../clock.ts'
import type { CommandNews, CommandReply, Inbox, Reply } from '../../cluster/inbox.ts'
import { readReply } from '../../cluster/read-reply.ts'
import { DagstreamError } from '../../errors.ts'
import { callStore } from '../../store/call-store.ts'

/** Pause between two looks for a reply, ms, unless a hint comes. */
const POLL_MS = 500

/** What remote commands work with. */
export interface RemoteCommandOptions {
  readonly inbox: Inbox
  readonly clock: Clock
  /** Unguessable ids. */
  readonly createId: () => string
  /** Maximum time for a reply, ms. */
  readonly waitMs: number
  /** Whether the execution still waits for its coordinator: it is unfinished and not parked. */
  readonly isCoordinated: (executionId: string) => Promise<boolean>
}

/** Commands to executions that other servers coordinate, through the store. */
export class RemoteCommands {
  readonly #options: RemoteCommandOptions
  /** By execution: wakes of those who wait for a reply. */
  readonly #waiting = new Map<string, Set<() => void>>()

  constructor(options: RemoteCommandOptions) {
    this.#options = options
  }

  /** A command of the execution was answered, or of any. */
  wake(executionId?: string): void {
    const woken = executionId === undefined ? [...this.#waiting.values()] : [this.#waiting.get(executionId) ?? []]
    for (const wakes of woken) for (const wake of wakes) wake()
  }

  /**
   * Sends a command and waits for its reply.
   * @returns its reply, with JSON where the command returns something; `undefined`: the execution has ended or was parked before
   * @throws the error of the command, and as `ask`
   */
  async send(executionId: string, news: CommandNews): Promise<CommandReply | undefined> {
    const reply = await this.ask(executionId, news)
    return reply && readReply(reply)
  }

  /**
   * As `send`, but an error of the command is part of its reply.
   * @param commandId of a command that may have been sent before: it takes effect once
   * @throws `COORDINATOR_UNAVAILABLE` where no server replies in time: the command takes effect later; `EXECUTION_NOT_FOUND`;
   *   the errors of the store
   */
  async ask(
    executionId: string,
    news: CommandNews,
    commandId: string = this.#options.createId(),
  ): Promise<Reply | undefined> {
    const { inbox, clock, waitMs, isCoordinated } = this.#options
    try {
      await callStore(() => inbox.send({ commandId, executionId, news }))
    } catch (error) {
      if (error instanceof DagstreamError && error.code === 'EXECUTION_ENDED') return undefined
      throw error
    }
    const until = clock.now() + waitMs
    for (let count = 1; ; count++) {
      const woken = this.#nextWake(executionId, Math.min(POLL_MS, until - clock.now()))
      const reply = await callStore(() => inbox.findReply(commandId)).catch((error: unknown) => {
        woken.stop()
        throw error
      })
      if (reply !== undefined) {
        woken.stop()
        return reply.error?.code === 'EXECUTION_ENDED' ? undefined : reply
      }
      await woken.promise
      if (clock.now() >= until) throw unavailable(waitMs)
      if (count % 4 === 0 && !(await isCoordinated(executionId))) return undefined
    }
  }

  /** Armed before the look for a reply: no wake is lost between the two. */
  #nextWake(executionId: string, ms: number): { readonly promise: Promise<void>; readonly stop: () => void } {
    const wakes = this.#waiting.get(executionId) ?? new Set()
    this.#waiting.set(executionId, wakes)
    let stop = (): void => {}
    const promise = new Promise<void>(resolve => {
      const stopTimer = this.#options.clock.after(ms, () => stop())
      stop = () => {
        stopTimer()
        wakes.delete(stop)
        if (wakes.size === 0 && this.#waiting.get(executionId) === wakes) this.#waiting.delete(executionId)
        resolve()
      }
      wakes.add(stop)
    })
    return { promise, stop: () => stop() }
  }
}

function unavailable(waitMs: number): DagstreamError {
  const message = `No server has answered for the execution within ${waitMs} ms; the command takes effect once one does`
  return new DagstreamError('COORDINATOR_UNAVAILABLE', message)
}
