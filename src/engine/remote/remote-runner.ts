import type { AttemptReport } from '../../attempt/attempt-outcome.ts'
import type {
  AbortReason,
  Answer,
  AttemptCommand,
  AttemptKey,
  AttemptRunner,
  AttemptSink,
} from '../../attempt/runner.ts'
import type { AttemptMessage, AttemptNews, OrderMessage, PostedReport } from '../../cluster/inbox.ts'
import type { NumberedAnswer, OpenOrder, OrderSource } from '../../cluster/order.ts'
import { JsonValue } from '../../events/json-value.ts'
import type { TokenUsage } from '../../events/token-usage.ts'
import type { Recorder } from '../recorder.ts'
import type { DurableCalls } from './durable-calls.ts'
import type { PendingRound } from './pending-round.ts'
import { checkNews, isUsage } from './posted-news.ts'

/** Receives the reports of an attempt of a worker. */
export interface RemoteSink extends AttemptSink {
  /** Present once it was asked to stop. */
  readonly abortion: object | undefined
  /** The usage of the attempt so far. */
  usageSum(sum: TokenUsage): void
  /** Records the tokens so far. */
  flush(): void
  /** The attempt does not count. @param cause `lost`: its worker died, or could not renew its lease */
  interrupted(cause: 'lost' | 'handoff'): void
}

/** The parts of a remote runner. */
export interface RemoteParts {
  readonly orders: OrderSource
  readonly pending: PendingRound
  readonly recorder: Recorder
  readonly calls: DurableCalls
  readonly owner: string | undefined
  readonly priority: number
  readonly abortGraceMs: number
}

/** An attempt whose start is in the log. */
interface Running {
  readonly attempt: number
  readonly sink: RemoteSink
  /** Numbers of the questions that its sink has received. */
  readonly asked: Set<number>
  answers: NumberedAnswer[]
}

/**
 * Runs attempts on workers: an attempt becomes an order of the commit that contains its `task_start`, and its reports come by
 * the inbox of the execution.
 */
export class RemoteRunner implements AttemptRunner {
  readonly #parts: RemoteParts
  readonly #running = new Map<string, Running>()
  /** Attempts by task whose start is recorded and not in the log yet. */
  readonly #expected = new Map<string, number>()
  #onBegun: (() => void) | undefined

  constructor(parts: RemoteParts) {
    this.#parts = parts
  }

  /** Orders an attempt whose `task_start` is recorded in the same turn. */
  order(command: AttemptCommand): void {
    const { pending, owner, priority, abortGraceMs } = this.#parts
    this.#expected.set(command.taskId, command.attempt)
    pending.dispatch({ command: { ...command, abortGraceMs }, owner, priority })
  }

  start({ taskId, attempt }: AttemptKey, sink: AttemptSink): void {
    this.#expected.delete(taskId)
    this.#running.set(taskId, { attempt, sink: sink as RemoteSink, asked: new Set(), answers: [] })
    const onBegun = this.#onBegun
    this.#onBegun = undefined
    onBegun?.()
  }

  /** Continues an attempt that an earlier coordinator has ordered. */
  adopt({ key, questions, usage }: OpenOrder, sink: RemoteSink): void {
    this.start(key, sink)
    if (isUsage(usage)) sink.usageSum(usage)
    for (const question of questions) {
      const news = checkNews({ key, number: 1, news: { type: 'question', question } })
      if (news.type === 'question') this.#report(key, news)
    }
  }

  abort(key: AttemptKey, reason: AbortReason): void {
    const { orders, calls, recorder } = this.#parts
    const isNeeded = (): boolean => !recorder.isClosed && this.#find(key) !== undefined
    calls.make(() => orders.cancel(key, reason), isNeeded)
  }

  answer(key: AttemptKey, number: number, answer: Answer): void {
    const running = this.#find(key)
    if (running === undefined) return
    running.answers.push({ number, answer })
    // The answers of one turn are one call.
    if (running.answers.length === 1) queueMicrotask(() => this.#sendAnswers(key, running))
  }

  #sendAnswers(key: AttemptKey, running: Running): void {
    const { orders, calls, recorder } = this.#parts
    const { answers } = running
    running.answers = []
    const isNeeded = (): boolean => !recorder.isClosed && this.#find(key) === running
    calls.make(() => orders.answer(key, answers), isNeeded)
  }

  /** Cancels no order: another coordinator continues. */
  close(): void {
    this.#parts.calls.close()
    this.#running.clear()
    this.#expected.clear()
  }

  /**
   * Delivers a message.
   * @param onBegun called once a message can be delivered for which it is too early
   * @returns the sink that may hold tokens that are not recorded; `early`: its attempt has not begun
   */
  receive(message: AttemptMessage | OrderMessage, onBegun: () => void): RemoteSink | 'early' | undefined {
    const { key } = message
    const running = this.#find(key)
    if (running === undefined) {
      if (this.#expected.get(key.taskId) !== key.attempt) return undefined
      this.#onBegun = onBegun
      return 'early'
    }
    const { sink } = running
    const news = checkNews(message)
    switch (news.type) {
      case 'refused':
        sink.log('warning', `A message of the worker was refused: ${news.problem}`)
        return undefined
      case 'interrupted':
        if (news.usage !== undefined) sink.usageSum(news.usage)
        this.#running.delete(key.taskId)
        sink.interrupted(news.cause)
        return undefined
      case 'unclaimed':
        sink.log('warning', `No worker has the tool \`${news.tool}\``)
        return undefined
      default:
        this.#report(key, news)
        return news.type === 'token' ? sink : undefined
    }
  }

  #report(key: AttemptKey, news: AttemptNews): void {
    const { sink, asked } = this.#find(key) as Running
    switch (news.type) {
      case 'token':
        return sink.token(news.text)
      case 'progress':
        return sink.progress(news.progress)
      case 'log':
        return sink.log(news.level, news.message)
      case 'usage':
        return sink.usageSum(news.usage)
      case 'question':
        if (asked.has(news.question.number)) return
        asked.add(news.question.number)
        return sink.question(news.question)
      case 'dropped':
        for (let count = 0; count < news.count; count++) sink.dropped()
        return
      case 'settled':
        if (news.usage !== undefined) sink.usageSum(news.usage)
        this.#running.delete(key.taskId)
        // An earlier coordinator asked for its end, and was lost before the reason was in the log.
        if (news.report.status === 'cancelled' && sink.abortion === undefined) return sink.interrupted('handoff')
        return sink.settled(readReport(news.report))
    }
  }

  #find({ taskId, attempt }: AttemptKey): Running | undefined {
    const running = this.#running.get(taskId)
    return running?.attempt === attempt ? running : undefined
  }
}

function readReport(report: PostedReport): AttemptReport {
  if (report.status !== 'success') return report
  const { outputJson, ...rest } = report
  return { ...rest, output: JsonValue.fromText(outputJson) }
}
