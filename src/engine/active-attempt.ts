import type { AttemptReport } from '../attempt/attempt-outcome.ts'
import type { AttemptSink, Progress, Question } from '../attempt/runner.ts'
import type { InfoLevel } from '../events/events.ts'
import {
  addTokenUsage,
  describeRejectedUsage,
  sanitizeTokenUsage,
  subtractTokenUsage,
  type TokenUsage,
} from '../events/token-usage.ts'
import type { PlannedTask } from '../plan/execution-plan.ts'
import { TextJoiner } from '../text.ts'
import type { PlanRoom } from '../tools/plan-room.ts'
import type { Emissions } from './emissions.ts'
import { INTERRUPTED } from './interruption.ts'
import type { Abortion } from './task-events.ts'

/** Why an attempt is stopped. */
export interface AttemptAbortion extends Abortion {
  /** The process is shutting down: the attempt is interrupted, and another process runs it again. */
  readonly isHandoff?: boolean
}

/** The execution that an attempt reports to. */
export interface AttemptListener {
  readonly emissions: Emissions
  /** The tool of an attempt asks a person. */
  asked(attempt: ActiveAttempt, question: Question): void
  /** Where the tasks of a planner join. */
  roomOf(attempt: ActiveAttempt): PlanRoom | undefined
  /** The attempt has ended; called exactly once. */
  settled(attempt: ActiveAttempt): void
}

/** The execution's view of an attempt, to which the runner reports. */
export class ActiveAttempt implements AttemptSink {
  readonly task: PlannedTask
  readonly index: number
  readonly number: number
  /** Present once the attempt has ended. */
  report: AttemptReport | undefined = undefined
  tokenUsage: TokenUsage | undefined = undefined
  /** Whether its `task_start` is in the log and its runner has received it. */
  isBegun = false
  /** Why its runner was asked to stop it. */
  abortion: AttemptAbortion | undefined = undefined
  /** Its worker was lost. */
  isLost = false
  #pendingText = ''
  #joiner: TextJoiner | undefined = undefined
  readonly #listener: AttemptListener

  constructor(listener: AttemptListener, task: PlannedTask, index: number, number: number) {
    this.#listener = listener
    this.task = task
    this.index = index
    this.number = number
  }

  token(text: string): void {
    if (!this.#mayEmit()) return
    this.#pendingText += text
    this.#joiner ??= new TextJoiner()
    this.#listener.emissions.token(this)
  }

  get pendingLength(): number {
    return this.#pendingText.length
  }

  takeText(isOver: boolean): string {
    if (this.#joiner === undefined) return ''
    const text = this.#joiner.add(this.#pendingText)
    this.#pendingText = ''
    return isOver ? text + this.#joiner.end() : text
  }

  progress(progress: Progress): void {
    if (this.#mayEmit()) this.#listener.emissions.progress(this, progress)
  }

  log(level: InfoLevel, message: string): void {
    if (this.#mayEmit()) this.#listener.emissions.info(this, level, message)
  }

  usage(delta: Partial<TokenUsage>): void {
    const { emissions } = this.#listener
    if (this.report !== undefined) return emissions.drop(this)
    const { usage, rejected } = sanitizeTokenUsage(delta)
    if (rejected.length > 0 && this.abortion === undefined) {
      emissions.info(this, 'warning', describeRejectedUsage(rejected))
    }
    if (Object.keys(usage).length === 0) return
    this.tokenUsage = addTokenUsage(this.tokenUsage, usage)
    emissions.usage(usage)
  }

  /** The usage so far, of an attempt that another process runs. */
  usageSum(sum: TokenUsage): void {
    if (this.report !== undefined) return
    const added = subtractTokenUsage(sum, this.tokenUsage)
    this.tokenUsage = sum
    this.#listener.emissions.usage(added)
  }

  question(question: Question): void {
    if (this.#mayEmit()) this.#listener.asked(this, question)
  }

  planRoom(): PlanRoom | undefined {
    return this.#listener.roomOf(this)
  }

  /** Whether nothing that its tool does counts any more, apart from usage. */
  get isOver(): boolean {
    return this.report !== undefined || this.abortion !== undefined
  }

  /** Records the tokens so far. */
  flush(): void {
    this.#listener.emissions.flush(this)
  }

  dropped(): void {
    this.#listener.emissions.drop(this)
  }

  /** Ignores a second report of a runner: the first is in the log. */
  settled(report: AttemptReport): void {
    if (this.report !== undefined) return
    this.report = report
    this.#listener.settled(this)
  }

  /** Its worker does not run it any more: the attempt does not count. */
  interrupted(cause: 'lost' | 'handoff'): void {
    this.isLost = cause === 'lost'
    this.abortion ??= { message: INTERRUPTED.message, isHandoff: true }
    this.settled({ status: 'cancelled', executionTimeMs: 0 })
  }

  #mayEmit(): boolean {
    if (!this.isOver) return true
    this.#listener.emissions.drop(this)
    return false
  }
}
