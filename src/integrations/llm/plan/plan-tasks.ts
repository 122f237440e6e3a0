import { afterTurn, isTurnSpent } from '../../../clock.ts'
import { DagstreamError, invalidOption } from '../../../errors.ts'
import { addTokenUsage, sanitizeTokenUsage, type TokenUsage } from '../../../events/token-usage.ts'
import type { ChatMessage, LLMProvider, ProviderParams, StreamFinish } from '../provider.ts'
import { computeGrowth, type ProviderUsage, toTokenUsage } from '../provider-usage.ts'
import { failure, ProviderError } from '../stream-error.ts'
import { AnswerLines } from './answer-lines.ts'
import { PLANNER_LIMITS, type PlanChecks, PlanDraft } from './plan-draft.ts'
import { readPlanLine } from './plan-lines.ts'
import {
  countTokens,
  type PlanTools,
  type RefusedLine,
  writeContinuation,
  writePlanPrompt,
  writeRepair,
} from './plan-prompt.ts'

/** A request for a plan. */
export interface PlanRequest {
  readonly provider: LLMProvider
  /** What the plan is for. */
  readonly prompt: string
  /** The tools that it may use. */
  readonly tools: PlanTools
  readonly checks: PlanChecks
  /** The tasks of an answer that broke off: only what is missing is asked for. @defaultValue none */
  readonly accepted?: readonly unknown[]
  /** Further parameters of each call. */
  readonly params?: Omit<ProviderParams, 'model' | 'signal' | 'onUsage' | 'onFinish'>
  /** @defaultValue the provider's own */
  readonly model?: string
  /** How often refused lines go back to the model, 0–10. @defaultValue 2 */
  readonly repairs?: number
  /** Budget of the first request, tokens of three bytes. @defaultValue 16,000 */
  readonly maxPromptTokens?: number
  readonly signal?: AbortSignal
  /** Called with the text of the answers as it streams in. */
  readonly onText?: (text: string) => void
  /** Called with what each report of usage adds. */
  readonly onUsage?: (growth: Partial<TokenUsage>) => void
  /** Called after each answer with its lines that were refused, and with those of earlier ones that still wait. */
  readonly onRefused?: (refused: readonly RefusedLine[]) => void
  /** Called before each repair with the lines that go back. */
  readonly onRepair?: (refused: readonly RefusedLine[]) => void
}

/**
 * Asks a model for a plan and gives its tasks as they stream in: each has passed its checks, and depends on earlier ones only.
 *
 * A task that comes before its dependencies waits for them. Refused lines go back to the model with their problems; it writes only
 * those again. What was accepted stays.
 * @throws `INVALID_WORKFLOW` with the remaining problems after the last repair, and for a plan without tasks; `ProviderError`;
 * `INVALID_OPTION`
 */
export async function* planTasks(request: PlanRequest): AsyncGenerator<object, void, undefined> {
  const { tools, prompt, repairs = 2, maxPromptTokens = 16_000, onRepair, onRefused, accepted = [] } = request
  if (!(Number.isInteger(repairs) && repairs >= 0 && repairs <= 10)) {
    throw invalidOption('repairs', 'an integer from 0 to 10', repairs)
  }
  if (!(Number.isInteger(maxPromptTokens) && maxPromptTokens > 0)) {
    throw invalidOption('maxPromptTokens', 'a positive integer', maxPromptTokens)
  }
  const first = writeFirst(tools, prompt, maxPromptTokens, accepted)
  const draft = new PlanDraft(request.checks, accepted)
  let lineCount = 0
  let messages = first
  for (let repair = 0; ; repair++) {
    let isSealed = false
    let text = ''
    const before = lineCount
    const answer = new AnswerLines()
    const take = async function* (lines: ReturnType<AnswerLines['push']>): AsyncGenerator<object, void, undefined> {
      for (const line of lines) {
        for (const meant of readPlanLine(line)) {
          // Lines behind the seal are ignored.
          if (isSealed || draft.isExhausted) return
          if (isTurnSpent()) await new Promise<void>(afterTurn)
          lineCount += 1
          if (meant.kind === 'seal') isSealed = true
          else if (meant.kind === 'refused') draft.refuse(lineCount, meant.text, meant.problem)
          else if (meant.kind === 'task') yield* draft.add(lineCount, meant.text, meant.definition)
        }
      }
    }
    const finish: { reason?: string } = {}
    for await (const piece of streamText(request, messages, finish)) {
      text += piece
      if (text.length > PLANNER_LIMITS.maxAnswerLength) {
        throw failure(
          'PROVIDER_INVALID_RESPONSE',
          `Expected an answer of at most ${PLANNER_LIMITS.maxAnswerLength} characters`,
        )
      }
      // Read to its end, which has the usage.
      yield* take(answer.push(piece))
    }
    if (!isSealed) yield* take(answer.end())
    if (lineCount === before && !isSealed) draft.recallRefused()
    const isCut = !isSealed && finish.reason === 'length'
    const { refused, acceptedIds } = draft
    if (refused.length > 0) onRefused?.(refused)
    if (refused.length === 0 && !isCut && acceptedIds.length > 0) return
    if (repair >= repairs) throw failPlan(refused, isCut)
    onRepair?.(refused)
    messages = [
      ...first,
      { role: 'assistant', content: text.toWellFormed() },
      { role: 'user', content: writeRepair(refused, acceptedIds, isCut) },
    ]
    draft.forgetRefused()
  }
}

function failPlan(refused: readonly RefusedLine[], isCut: boolean): DagstreamError {
  const issues = refused.flatMap(each => each.issues)
  const [line] = refused
  const first = line?.issues[0]
  const reason =
    first !== undefined
      ? `${first.code}${first.pointer === '' ? '' : ` at \`${first.pointer}\``}: ${first.message}`
      : isCut
        ? 'the answer was cut off'
        : 'the answer has no task'
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more: see \`details.issues\`)` : ''
  return new DagstreamError('INVALID_WORKFLOW', `The model wrote no valid plan: ${reason}${more}`, {
    details: { issues, issueCount: issues.length },
  })
}

/** The first request. @param accepted the tasks of an answer that broke off */
function writeFirst(
  tools: PlanTools,
  prompt: string,
  maxTokens: number,
  accepted: readonly unknown[],
): readonly ChatMessage[] {
  const first = writePlanPrompt(tools, prompt, maxTokens)
  if (accepted.length === 0) return first
  const left = maxTokens - countTokens(first.map(({ content }) => content as string).join(''))
  const [system, user] = first as readonly [ChatMessage, ChatMessage]
  return [system, { ...user, content: `${prompt}\n\n${writeContinuation(accepted, left)}` }]
}

/** The text of one answer. @param finish receives the reason of its end */
async function* streamText(
  { provider, model, signal, onText, onUsage, params }: PlanRequest,
  messages: readonly ChatMessage[],
  finish: { reason?: string },
): AsyncGenerator<string, void, undefined> {
  let counted: TokenUsage | undefined
  // Reports are cumulative.
  const count = (told: ProviderUsage): void => {
    const growth = computeGrowth(toTokenUsage(told), counted)
    if (Object.keys(growth).length === 0) return
    counted = addTokenUsage(counted, sanitizeTokenUsage(growth).usage)
    onUsage?.(growth)
  }
  const events = provider.generateStream(messages, {
    ...params,
    onUsage: count,
    onFinish: ({ finishReason }: StreamFinish) => {
      if (finishReason !== undefined) finish.reason = finishReason
    },
    ...(model !== undefined && { model }),
    ...(signal !== undefined && { signal }),
  })
  for await (const event of events) {
    if (event.type === 'usage') count(event.data)
    else if (event.type === 'error') throw new ProviderError(event.data)
    else if (event.type === 'done') return
    else {
      onText?.(event.data)
      yield event.data
    }
  }
  throw failure('UNEXPECTED_STREAM_END', 'The provider ended its stream without `done` or `error`')
}
