import { describeAbort, onAbort } from '../abort-signals.ts'
import type { Clock } from '../clock.ts'
import type { DagstreamError } from '../errors.ts'
import type { Reason, Stop } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'
import type { TaskTable } from '../scheduler/task-table.ts'
import { cutMessage } from './emissions.ts'
import type { AttemptAbortion } from './active-attempt.ts'
import { INTERRUPTED } from './interruption.ts'
import type { Recorder } from './recorder.ts'
import { TimeLimit } from './time-limit.ts'

/**
 * The commands that an execution is given from outside — cancel, pause, hand off — as events of its log. A command that came
 * before the log was opened is recorded then.
 */
export class Commands {
  readonly #recorder: Recorder
  /** From the start on. */
  #table: TaskTable | undefined
  readonly #onGiven: () => void
  readonly #cleanUps: (() => void)[] = []
  #timeLimit: TimeLimit | undefined
  #isOpen = false
  #pauseCount = 0
  #stop: Stop | undefined
  /** Ends `finally` tasks, too. */
  #finallyStop: Stop | undefined
  #isHandingOff = false
  #abandonment: AttemptAbortion | undefined
  /** Commands that are not in the log yet. */
  #pendingCount = 0
  #recorded: Promise<void> | undefined
  #resolve: () => void = () => {}
  #reject: (error: DagstreamError) => void = () => {}

  /** @param onGiven called with each command, before it is in the log: aborting attempts is only a wish */
  constructor(recorder: Recorder, onGiven: () => void) {
    this.#recorder = recorder
    this.#onGiven = onGiven
  }

  /** Nothing starts now. */
  get isPaused(): boolean {
    return this.#pauseCount > 0 || this.#pendingCount > 0
  }

  /** Why a task does not run any more, if it does not: by the log, or by a command that is not in it yet. */
  findAbortion(task: number): AttemptAbortion | undefined {
    const graph = this.#table?.graph
    const stop = this.#abandonment ?? graph?.stopOf(task) ?? this.#finallyStop
    if (stop !== undefined) return stop
    if (this.#stop !== undefined && graph?.isInFinally(task) !== true) return this.#stop
    return this.#isHandingOff ? { message: INTERRUPTED.message, isHandoff: true } : undefined
  }

  /** The execution is being ended, apart from its `finally` tasks. */
  get isStopping(): boolean {
    return this.#stop !== undefined || this.#table?.stop !== undefined
  }

  /** Settles once what was asked for is in the log; rejects when the log cannot be kept. */
  get recorded(): Promise<void> {
    return this.#recorded ?? Promise.resolve()
  }

  /**
   * Ends the execution; its `finally` tasks run. A second call, or the first once those run, ends them, if a caller or a
   * shutdown asked for it.
   */
  cancel({ code, message: whole }: Reason): void {
    const message = cutMessage(whole)
    const graph = this.#table?.graph
    if (!this.isStopping && graph?.root.isFinallyOpen !== true) this.stop({ reason: { code, message }, message })
    else if (graph?.hasFinally === true && (code === 'CANCELLED' || code === 'SHUTDOWN')) this.stopFinally({ message })
  }

  /** Ends the execution, but for its `finally` tasks. The first call counts. */
  stop(stop: Stop): void {
    if (this.#stop !== undefined) return
    this.#stop = stop
    this.#expectRecord()
    if (this.#isOpen) this.#recordStop(stop)
    this.#onGiven()
  }

  /** Ends the `finally` tasks, too. The first call counts. */
  stopFinally({ message, code }: Stop): void {
    if (this.#finallyStop !== undefined) return
    this.#finallyStop = { message: cutMessage(message), ...(code !== undefined && { code }) }
    this.#expectRecord()
    if (this.#isOpen) this.#recordFinallyStop(this.#finallyStop)
    this.#onGiven()
  }

  handOff(): void {
    if (this.#isHandingOff) return
    this.#isHandingOff = true
    this.#expectRecord()
    if (this.#isOpen) this.#recordHandOff()
    this.#onGiven()
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

  /** The execution starts: from here on its table says what a command concerns. */
  begin(table: TaskTable): void {
    this.#table = table
  }

  /** The log is open: records the commands that came before. */
  open(): void {
    this.#isOpen = true
    if (this.#stop !== undefined) this.#recordStop(this.#stop)
    if (this.#finallyStop !== undefined) this.#recordFinallyStop(this.#finallyStop)
    if (this.#isHandingOff) this.#recordHandOff()
  }

  /** The log cannot be kept: nothing runs any more. */
  abandon(message: string): void {
    this.#abandonment = { message }
    this.#onGiven()
  }

  /** An entry is in the log that may record a command. */
  applied(entry: LogEntry): void {
    if (!isCommand(entry)) return
    this.#pendingCount -= 1
    if (this.#pendingCount === 0) this.#resolve()
  }

  /** Calls back once the time of the execution is over. @param leftMs what is left of `timeoutMs` */
  limitTime(clock: Clock, timeoutMs: number, leftMs: number, onOver: (reason: Reason) => void): void {
    const over = (): void => onOver({ code: 'EXECUTION_TIMEOUT', message: `Timed out after ${timeoutMs} ms` })
    const limit = new TimeLimit(clock, leftMs, over)
    this.#timeLimit = limit
    this.#cleanUps.push(() => limit.hold())
  }

  /** The time limit stands still while the execution only waits for people. */
  holdTime(isHeld: boolean): void {
    if (isHeld) this.#timeLimit?.hold()
    else this.#timeLimit?.go()
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

  #recordFinallyStop(stop: Stop): void {
    this.#recorder.record('tasks_stopping', this.#recorder.stamp({ ...stop, phase: 'finally' }))
  }

  #recordHandOff(): void {
    this.#recorder.record('execution_handed_off', this.#recorder.stamp({}))
  }
}

/** Whether the entry records a command: not the end of a time limit, which has a code or a parent. */
function isCommand({ type, data }: LogEntry): boolean {
  if (type === 'execution_stopping' || type === 'execution_handed_off') return true
  if (type !== 'tasks_stopping') return false
  const { parentId, code } = data
  return parentId === undefined && code !== 'FINALLY_TIMEOUT'
}
