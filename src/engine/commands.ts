import { describeAbort, onAbort } from '../abort-signals.ts'
import type { Clock } from '../clock.ts'
import type { DagstreamError } from '../errors.ts'
import type { Reason, ReasonCode, Stop } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'
import { isInFinally } from '../scheduler/ancestors.ts'
import type { TaskTable } from '../scheduler/task-table.ts'
import { cutMessage } from './emissions.ts'
import type { AttemptAbortion } from './active-attempt.ts'
import { INTERRUPTED } from './interruption.ts'
import type { Recorder } from './recorder.ts'
import { TimeLimit } from './time-limit.ts'

/**
 * External commands of an execution (cancel, pause, hand off) as events of its log. A command that precedes the opening of
 * the log is recorded when it opens.
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
  /** A caller or a shutdown has asked for the end. */
  #isAsked = false
  #isHandingOff = false
  #abandonment: AttemptAbortion | undefined
  /** Commands that are not in the log yet. */
  #pendingCount = 0
  #recorded: Promise<void> | undefined
  #resolve: () => void = () => {}
  #reject: (error: DagstreamError) => void = () => {}

  /** @param onGiven called with each command, before it is in the log: an abort is only a request */
  constructor(recorder: Recorder, onGiven: () => void) {
    this.#recorder = recorder
    this.#onGiven = onGiven
  }

  /** Whether the execution is paused. */
  get isPaused(): boolean {
    return this.#pauseCount > 0 || this.#pendingCount > 0
  }

  /** Finds the reason for which a task no longer runs, from the log or from a command that is not in it yet. */
  findAbortion(task: number): AttemptAbortion | undefined {
    const graph = this.#table?.graph
    const stop = this.#abandonment ?? graph?.stopOf(task) ?? this.#finallyStop
    if (stop !== undefined) return stop
    if (this.#stop !== undefined && (graph === undefined || !isInFinally(graph, task))) return this.#stop
    return this.#isHandingOff ? { message: INTERRUPTED.message, isHandoff: true } : undefined
  }

  /** Whether the execution is being stopped, apart from its `finally` tasks. */
  get isStopping(): boolean {
    return this.#stop !== undefined || this.#table?.stop !== undefined
  }

  /** Whether nothing more starts, not even `finally` tasks. */
  get isEnding(): boolean {
    const root = this.#table?.graph.root
    const isFinallyStopped = this.#finallyStop !== undefined || root?.finallyStop !== undefined
    return (this.isStopping || root?.isFinallyOpen === true) && (isFinallyStopped || !this.hasFinally)
  }

  /** Whether the execution has started and has `finally` tasks, its own or those of workflows that run now. */
  get hasFinally(): boolean {
    return this.#table?.graph.hasFinally === true
  }

  /** Whether it only waits for people, and none but `finally` tasks do. */
  get isFinallyWaiting(): boolean {
    return this.#table?.inputs.isFinallyWaiting === true
  }

  /** Settles once the commands are in the log; rejects if the log fails. */
  get recorded(): Promise<void> {
    return this.#recorded ?? Promise.resolve()
  }

  /**
   * Ends the execution; its `finally` tasks run. A second call, or a first call while they run, ends them, too, if both come
   * from a caller or a shutdown: a time limit, a budget, a disconnect or a failure does not count as a call.
   * @param requestId of the request that asks for it; a repetition of a request that the log has, or will have, does nothing
   */
  cancel({ code, message: whole }: Reason, requestId?: string): void {
    if (requestId !== undefined && this.#isRepeated(requestId)) return
    const message = cutMessage(whole)
    const by = requestId === undefined ? {} : { requestId }
    const { graph, stop: earlier } = this.#table ?? {}
    const isFinallyOpen = graph?.root.isFinallyOpen === true
    const isAsked = isAskedFor(code)
    const isSecond = isAsked && (this.#isAsked || isAskedFor(earlier?.reason?.code))
    if (isAsked) this.#isAsked = true
    if (!this.isStopping && !isFinallyOpen) this.stop({ reason: { code, message }, message, ...by })
    else if (this.hasFinally && isAsked && (isSecond || isFinallyOpen)) this.stopFinally({ message, ...by })
  }

  /** Ends the execution, except for its `finally` tasks. The first call counts. */
  stop(stop: Stop): void {
    if (this.#stop !== undefined) return
    this.#stop = stop
    this.#expectRecord()
    if (this.#isOpen) this.#recordStop(stop)
    this.#onGiven()
  }

  /** Ends the `finally` tasks, too. The first call counts. */
  stopFinally(stop: Stop): void {
    if (this.#finallyStop !== undefined) return
    this.#finallyStop = { ...stop, message: cutMessage(stop.message) }
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

  /** @returns the release of the pause; idempotent */
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

  /** The execution starts: from now on its table determines the tasks that a command affects. */
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

  /** The log has failed: no task runs any more. */
  abandon(message: string): void {
    this.#abandonment = { message }
    this.#onGiven()
  }

  /** An entry, which may record a command, has been appended. */
  applied(entry: LogEntry): void {
    if (!isCommand(entry)) return
    this.#pendingCount -= 1
    if (this.#pendingCount === 0) this.#resolve()
  }

  /** Calls back when the time limit of the execution is reached. @param timeoutMs 0 for none */
  limitTime(clock: Clock, timeoutMs: number, usedMs: number, onOver: (reason: Reason) => void): void {
    if (timeoutMs <= 0) return
    const over = (): void => onOver({ code: 'EXECUTION_TIMEOUT', message: `Timed out after ${timeoutMs} ms` })
    const limit = new TimeLimit(clock, timeoutMs - usedMs, over)
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

  /**
   * The execution has ended: releases timers and listeners. @param failure the reason for which pending commands will never
   * be in the log
   */
  close(failure?: DagstreamError): void {
    for (const cleanUp of this.#cleanUps.splice(0)) cleanUp()
    if (failure === undefined) this.#resolve()
    else this.#reject(failure)
  }

  #isRepeated(requestId: string): boolean {
    const stops = [this.#stop, this.#finallyStop, this.#table?.stop, this.#table?.graph.root.finallyStop]
    return stops.some(stop => stop?.requestId === requestId)
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

/** Whether a caller or a shutdown cancels for this reason; not a time limit, a budget or a disconnect. */
function isAskedFor(code: ReasonCode | undefined): boolean {
  return code === 'CANCELLED' || code === 'SHUTDOWN'
}

/** Whether the entry records a command: not the end of a time limit, which has a code or a parent. */
function isCommand({ type, data }: LogEntry): boolean {
  if (type === 'execution_stopping' || type === 'execution_handed_off') return true
  if (type !== 'tasks_stopping') return false
  const { parentId, code } = data
  return parentId === undefined && code !== 'FINALLY_TIMEOUT'
}
