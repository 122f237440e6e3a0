import type { EventFor, InfoLevel, SSEEvent } from '../../events/events.ts'
import { addTokenUsage, type TokenUsage } from '../../events/token-usage.ts'

/** Maximum size of the streamed text of one task that is kept, characters; the end of a longer one is kept. */
const MAX_TEXT = 64 * 1024
/** Maximum size of the streamed text of all tasks, characters. */
const MAX_ALL_TEXT = 4 * 1024 * 1024
/** Maximum number of log messages of one task, and of the whole execution. */
const MAX_MESSAGES = 200
const MAX_ALL_MESSAGES = 5000

/** Pauses up to this length do not divide the activity, ms. */
const PAUSE_MS = 1000

/** One attempt in time. */
export interface AttemptTrace {
  readonly attempt: number
  /** ms since 1970. */
  readonly startedAt: number
  endedAt?: number
  error?: string
  code?: string
  interrupted?: true
  /** Delay before the next attempt, ms. */
  delayMs?: number
}

/** A log message of a task. */
export interface MessageTrace {
  readonly at: number
  readonly level: InfoLevel
  readonly message: string
}

/** When a task did what. It has no status: that is in the state. */
export interface TaskTrace {
  readonly attempts: AttemptTrace[]
  /** ms since 1970. */
  endedAt?: number
  /** Streamed text of the last attempt. */
  text?: string
  /** The beginning of the text was dropped. */
  isTextCut?: true
  usage?: TokenUsage
  tokensPerSec?: number
  ttftMs?: number
  messages?: MessageTrace[]
  /** Of an added task. */
  dependsOn?: readonly string[]
  /** While a person is asked, ms since 1970. */
  questions?: { readonly askedAt: number; resolvedAt?: number }[]
}

/** What the fold of the state forgets and a view of time needs: the times of attempts, streamed text and messages. Bounded. */
export class Trace {
  readonly tasks: Map<string, TaskTrace> = new Map()
  /** First and last time of an event, ms since 1970. */
  startedAt: number = Number.NaN
  lastAt: number = Number.NaN
  endedAt: number | undefined
  /** Times in which an attempt ran, ms since 1970, in order; shorter pauses than `PAUSE_MS` are part of them. */
  readonly activity: { from: number; to: number }[] = []
  /** Number of attempts that run. */
  activeCount = 0
  /** Whether earlier events were replaced by a snapshot. */
  isCut = false
  #textLength = 0
  #messageCount = 0

  apply(event: SSEEvent): void {
    const at = Date.parse(event.data.timestamp)
    if (Number.isNaN(this.startedAt)) this.startedAt = at
    if (!(at < this.lastAt)) this.lastAt = at
    switch (event.type) {
      case 'task_start':
        return this.#start(event.data, at)
      case 'task_retry':
        return this.#retry(event.data, at)
      case 'task_complete':
        return this.#end(event.data, at)
      case 'token':
        return this.#addText(event.data.taskId, event.data.text)
      case 'info':
        return this.#addMessage(event.data, at)
      case 'token_usage': {
        const task = this.#of(event.data.taskId)
        task.usage = addTokenUsage(task.usage, event.data.tokenUsage)
        return
      }
      case 'metrics':
        Object.assign(this.#of(event.data.taskId), {
          tokensPerSec: event.data.tokensPerSec,
          ttftMs: event.data.ttftMs,
        })
        return
      case 'tasks_added':
        for (const { taskId, dependsOn } of event.data.tasks) this.#of(taskId).dependsOn = dependsOn
        return
      case 'input_required':
        return this.#ask(event.data.taskId, at)
      case 'input_resolved':
        return this.#answer(event.data.taskId, at)
      case 'execution_complete':
        this.endedAt = at
        return
      case 'snapshot':
        this.isCut = true
        return
      default:
    }
  }

  #of(taskId: string): TaskTrace {
    let task = this.tasks.get(taskId)
    if (task === undefined) this.tasks.set(taskId, (task = { attempts: [] }))
    return task
  }

  #start({ taskId, attempt }: EventFor<'task_start'>['data'], at: number): void {
    this.#clearText(taskId)
    const task = this.#of(taskId)
    task.attempts.push({ attempt, startedAt: at })
    if (!isAsking(task)) this.#begin(at)
  }

  #begin(at: number): void {
    this.activeCount += 1
    const last = this.activity.at(-1)
    if (last !== undefined && (this.activeCount > 1 || at - last.to <= PAUSE_MS)) last.to = Math.max(last.to, at)
    else this.activity.push({ from: at, to: at })
  }

  #stop(at: number): void {
    this.activeCount = Math.max(0, this.activeCount - 1)
    const last = this.activity.at(-1)
    if (last !== undefined) last.to = Math.max(last.to, at)
  }

  /** To wait for a person is no activity. */
  #ask(taskId: string, at: number): void {
    const task = this.#of(taskId)
    if (isRunning(task) && !isAsking(task)) this.#stop(at)
    ;(task.questions ??= []).push({ askedAt: at })
  }

  #answer(taskId: string, at: number): void {
    const task = this.#of(taskId)
    const open = task.questions?.find(each => each.resolvedAt === undefined)
    if (open === undefined) return
    open.resolvedAt = at
    if (isRunning(task) && !isAsking(task)) this.#begin(at)
  }

  #retry({ taskId, error, code, interrupted, delayMs }: EventFor<'task_retry'>['data'], at: number): void {
    const task = this.#of(taskId)
    const attempt = task.attempts.at(-1)
    if (attempt === undefined) return
    if (isRunning(task) && !isAsking(task)) this.#stop(at)
    Object.assign(attempt, { endedAt: at, error, code, delayMs, ...(interrupted && { interrupted }) })
  }

  #end({ taskId, error, code }: EventFor<'task_complete'>['data'], at: number): void {
    const task = this.#of(taskId)
    task.endedAt = at
    const attempt = task.attempts.at(-1)
    if (attempt === undefined || attempt.endedAt !== undefined) return
    if (!isAsking(task)) this.#stop(at)
    attempt.endedAt = at
    if (error !== undefined) attempt.error = error
    if (code !== undefined) attempt.code = code
  }

  #addText(taskId: string, text: string): void {
    const task = this.#of(taskId)
    const before = task.text?.length ?? 0
    const room = this.#textLength > MAX_ALL_TEXT ? MAX_TEXT / 16 : MAX_TEXT
    const joined = (task.text ?? '') + text
    // Cut by half at a time: cutting at every token would copy the whole text each time.
    const isLong = joined.length > room * 2
    task.text = isLong ? joined.slice(-room) : joined
    if (isLong) task.isTextCut = true
    this.#textLength += task.text.length - before
  }

  #clearText(taskId: string): void {
    const task = this.tasks.get(taskId)
    if (task?.text === undefined) return
    this.#textLength -= task.text.length
    delete task.text
    delete task.isTextCut
  }

  #addMessage({ taskId, level, message }: EventFor<'info'>['data'], at: number): void {
    const messages = (this.#of(taskId ?? '').messages ??= [])
    if (this.#messageCount >= MAX_ALL_MESSAGES && messages.length === 0) return
    messages.push({ at, level, message })
    this.#messageCount += 1
    if (messages.length > MAX_MESSAGES) {
      messages.shift()
      this.#messageCount -= 1
    }
  }
}

function isRunning({ attempts }: TaskTrace): boolean {
  const last = attempts.at(-1)
  return last !== undefined && last.endedAt === undefined
}

/** Whether a question of the task is open. */
function isAsking({ questions }: TaskTrace): boolean {
  return questions?.some(({ resolvedAt }) => resolvedAt === undefined) === true
}
