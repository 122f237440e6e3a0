import { describeAbort, onAbort } from '../abort-signals.ts'
import type { Clock } from '../clock.ts'
import type { DagstreamError } from '../errors.ts'
import type { Reason, Stop } from '../events/events.ts'
import { cutMessage } from './emissions.ts'
import { INTERRUPTED } from './interruption.ts'
import type { Recorder } from './recorder.ts'

/** Why running attempts are aborted, as soon as a command is given. */
export interface Command {
  readonly kind: 'stop' | 'hand off'
  readonly code: string
  readonly message: string
}

/**
 * The commands that an execution is given from outside — cancel, pause, hand off — as events of its log. A command that came
 * before the log was opened is recorded then.
 */
export class Commands {
  readonly #recorder: Recorder
  readonly #obey: (command: Command) => void
  readonly #cleanUps: (() => void)[] = []
  #isOpen = false
  #pauseCount = 0
  #stop: Stop | undefined
  #isHandingOff = false
  /** Commands that are not in the log yet. */
  #pendingCount = 0
  #recorded: Promise<void> | undefined
  #resolve: () => void = () => {}
  #reject: (error: DagstreamError) => void = () => {}

  constructor(recorder: Recorder, obey: (command: Command) => void) {
    this.#recorder = recorder
    this.#obey = obey
  }

  /** Nothing starts now. */
  get isPaused(): boolean {
    return this.#pauseCount > 0 || this.#stop !== undefined
  }

  /** A stop was asked for. */
  get isStopping(): boolean {
    return this.#stop !== undefined
  }

  /** Settles once what was asked for is in the log; rejects when the log cannot be kept. */
  get recorded(): Promise<void> {
    return this.#recorded ?? Promise.resolve()
  }

  cancel({ code, message: whole }: Reason): void {
    const message = cutMessage(whole)
    this.stop({ reason: { code, message }, message })
  }

  /** Ends the execution. The first call counts. */
  stop(stop: Stop): void {
    if (this.#stop !== undefined) return
    this.#stop = stop
    this.#expectRecord()
    if (this.#isOpen) this.#recordStop(stop)
    this.#obey({ kind: 'stop', code: 'CANCELLED', message: stop.message })
  }

  handOff(): void {
    if (this.#isHandingOff) return
    this.#isHandingOff = true
    this.#expectRecord()
    if (this.#isOpen) this.#recordHandOff()
    this.#obey({ kind: 'hand off', code: 'SHUTTING_DOWN', message: INTERRUPTED.message })
  }

  /** @returns what ends the pause; idempotent */
  pause(onRelease: () => void): () => void {
    this.#pauseCount += 1
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      this.#pauseCount -= 1
      onRelease()
    }
  }

  /** The log is open: records the commands that came before. */
  open(): void {
    this.#isOpen = true
    if (this.#stop !== undefined) this.#recordStop(this.#stop)
    if (this.#isHandingOff) this.#recordHandOff()
  }

  /** A command is in the log. */
  applied(): void {
    this.#pendingCount -= 1
    if (this.#pendingCount === 0) this.#resolve()
  }

  /** Calls back once the time of the execution is over. @param leftMs what is left of `timeoutMs` */
  limitTime(clock: Clock, timeoutMs: number, leftMs: number, onOver: (reason: Reason) => void): void {
    const over = (): void => onOver({ code: 'EXECUTION_TIMEOUT', message: `Timed out after ${timeoutMs} ms` })
    this.#cleanUps.push(clock.after(Math.max(0, leftMs), over))
  }

  /** Calls back when a signal aborts. */
  follow(signal: AbortSignal, onAborted: (reason: Reason) => void): void {
    const abort = (): void => onAborted({ code: 'CANCELLED', message: describeAbort(signal.reason) })
    this.#cleanUps.push(onAbort(signal, abort))
  }

  /** The execution has ended: releases timers and listeners. @param failure why commands will never be in the log */
  close(failure?: DagstreamError): void {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp()
    if (failure === undefined) this.#resolve()
    else this.#reject(failure)
  }

  #expectRecord(): void {
    this.#pendingCount += 1
    if (this.#pendingCount > 1) return
    this.#recorded = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#recorded.catch(() => {})
  }

  #recordStop(stop: Stop): void {
    this.#recorder.record('execution_stopping', this.#recorder.stamp(stop))
  }

  #recordHandOff(): void {
    this.#recorder.record('execution_handed_off', this.#recorder.stamp({}))
  }
}
