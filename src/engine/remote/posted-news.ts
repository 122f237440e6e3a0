import { type AttemptOutcome, createFailure, type TokenMetrics } from '../../attempt/attempt-outcome.ts'
import type { AttemptNews, AttemptMessage, OrderMessage, PostedReport } from '../../cluster/inbox.ts'
import { sanitizeTokenUsage, type TokenUsage } from '../../events/token-usage.ts'
import { parseJson } from '../../json/parse-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { findQuestionFault } from '../../tools/question.ts'
import { cutText } from '../../text.ts'
import { cutMessage } from '../emissions.ts'

/** News of a worker that have the form that they should have, or a word about those that have not. */
export type CheckedNews = AttemptNews | OrderMessage['news'] | { readonly type: 'refused'; readonly problem: string }

type Fields = Readonly<Record<string, unknown>>

/** Most questions of one attempt, and emissions that one message counts. */
const MAX_QUESTIONS = 1000
const MAX_DROPPED = 1_000_000

/** Longest code of a failure, characters. */
const MAX_CODE = 200

/** Levels of an output that need no further look. Brackets within strings count, too. */
const MAX_PLAIN_DEPTH = 500
const [OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d] as const

/**
 * Checks news of a worker before anything follows from them: a faulty worker must neither damage a log nor stop its coordinator.
 * An outcome that cannot be used becomes a failure of its attempt, since its order has ended.
 */
export function checkNews(message: AttemptMessage | OrderMessage): CheckedNews {
  const news: unknown = message.news
  if (!isObject(news)) return refuse('expected an object')
  const isOfStore = !('number' in message)
  switch (news['type']) {
    case 'token':
      return typeof news['text'] === 'string' ? (news as AttemptNews) : refuse('a token has no text')
    case 'progress':
      return isProgress(news['progress']) ? (news as AttemptNews) : refuse('progress is no finite number')
    case 'log':
      return typeof news['message'] === 'string' ? (news as AttemptNews) : refuse('a line of log has no text')
    case 'usage':
      return isUsage(news['usage']) ? (news as AttemptNews) : refuse('usage is not made of finite numbers')
    case 'dropped':
      return isCount(news['count'], MAX_DROPPED) ? (news as AttemptNews) : refuse('a count is no count')
    case 'question':
      return checkQuestion(news)
    case 'settled':
      return checkSettled(news)
    case 'interrupted':
      return isOfStore ? checkInterrupted(news) : refuse('only the store interrupts')
    case 'unclaimed':
      return isOfStore && typeof news['tool'] === 'string' ? (news as OrderMessage['news']) : refuse('no tool is named')
    default:
      return refuse('their type is unknown')
  }
}

function checkQuestion(news: Fields): CheckedNews {
  const { question } = news
  if (!isObject(question) || !isCount(question['number'], MAX_QUESTIONS)) return refuse('a question has no number')
  const fault = findQuestionFault(question as never)
  return fault === undefined ? (news as AttemptNews) : refuse(`a question cannot be asked: ${fault}`)
}

function checkInterrupted({ cause, usage }: Fields): CheckedNews {
  return {
    type: 'interrupted',
    cause: cause === 'handoff' ? 'handoff' : 'lost',
    ...(isUsage(usage) && { usage }),
  }
}

function checkSettled({ report, usage }: Fields): CheckedNews {
  return { type: 'settled', report: checkReport(report), ...(isUsage(usage) && { usage }) }
}

function checkReport(report: unknown): PostedReport {
  if (!isObject(report)) return { ...fail('it has no report'), executionTimeMs: 0 }
  const { executionTimeMs, metrics, abandoned } = report
  const rest = {
    executionTimeMs: isAmount(executionTimeMs) ? executionTimeMs : 0,
    ...(isObject(metrics) && { metrics: checkMetrics(metrics) }),
    ...(abandoned === true && { abandoned }),
  }
  const { status, outputJson } = report
  if (status === 'cancelled') return { status, ...rest }
  if (status === 'error') return { ...checkFailure(report), ...rest }
  if (status !== 'success') return { ...fail('its status is unknown'), ...rest }
  const text = typeof outputJson === 'string' ? findJson(outputJson) : undefined
  return text === undefined ? { ...fail('its output is not JSON'), ...rest } : { status, outputJson: text, ...rest }
}

function checkFailure({
  code,
  message,
  isRetryable,
  retryAfterMs,
}: Fields): Extract<AttemptOutcome, { status: 'error' }> {
  if (typeof code !== 'string' || code === '' || typeof message !== 'string')
    return fail('it names no code and no message')
  return {
    status: 'error',
    code: cutText(code, MAX_CODE),
    message: cutMessage(message),
    isRetryable: isRetryable === true,
    ...(isAmount(retryAfterMs) && { retryAfterMs }),
  }
}

/** Another attempt may run on another worker. */
function fail(problem: string): Extract<AttemptOutcome, { status: 'error' }> {
  const message = `The worker posted an outcome that cannot be used: ${problem}`
  return { ...createFailure('INVALID_OUTCOME', message), isRetryable: true }
}

/** Without fields that are unknown: they would stand in an event. */
function checkMetrics(metrics: Fields): TokenMetrics {
  const names = ['ttftMs', 'totalMs', 'tokenCount', 'tokensPerSec'] as const
  return Object.fromEntries(names.map(name => [name, isAmount(metrics[name]) ? metrics[name] : 0])) as TokenMetrics
}

function refuse(problem: string): CheckedNews {
  return { type: 'refused', problem }
}

function isProgress(value: unknown): boolean {
  return isObject(value) && isNumber(value['progress']) && (value['total'] === undefined || isNumber(value['total']))
}

/** Whether a sum of usage holds finite numbers only. */
export function isUsage(value: unknown): value is TokenUsage {
  return isObject(value) && sanitizeTokenUsage(value).rejected.length === 0
}

/** The text in one line, as events hold it; `undefined` for what is not JSON, or is nested beyond the stack. */
function findJson(text: string): string | undefined {
  try {
    const value = parseJson(text)
    if (!/[\n\r]/.test(text) && !isDeep(text)) return text
    return stringifyJson(value)
  } catch {
    return undefined
  }
}

/** Whether a text may have so many levels that a function that calls itself for each cannot follow. */
function isDeep(text: string): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === OPEN_ARRAY || unit === OPEN_OBJECT) depth += 1
    else if (unit === CLOSE_ARRAY || unit === CLOSE_OBJECT) depth -= 1
    if (depth > MAX_PLAIN_DEPTH) return true
  }
  return false
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}

function isAmount(value: unknown): value is number {
  return isNumber(value) && value >= 0
}

function isCount(value: unknown, max: number): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= max
}
