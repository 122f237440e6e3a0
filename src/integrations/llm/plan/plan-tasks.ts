import { DagstreamError, invalidOption } from '../../../errors.ts'
import { addTokenUsage, sanitizeTokenUsage, type TokenUsage } from '../../../events/token-usage.ts'
import { stringifyJson } from '../../../json/stringify-json.ts'
import type { ToolRegistry } from '../../../tools/registry.ts'
import type { ChatMessage, LLMProvider, StreamFinish } from '../provider.ts'
import { computeGrowth, type ProviderUsage, toTokenUsage } from '../provider-usage.ts'
import { failure, ProviderError } from '../stream-error.ts'
import { AnswerLines } from './answer-lines.ts'
import type { PlanIssue } from './plan-issue.ts'
import { readPlanLine } from './plan-lines.ts'
import { type RefusedLine, writePlanPrompt, writeRepair } from './plan-prompt.ts'

/** Maximum number of tasks of a plan, and length of one answer, characters. */
export const PLANNER_LIMITS: { readonly maxTasks: number; readonly maxAnswerLength: number } = {
  maxTasks: 1000,
  maxAnswerLength: 8 * 1024 * 1024,
}

/** Accepts the tasks of a plan, one after the other. */
export interface PlanChecks {
  /**
   * @returns the problems of a task; none if it is accepted. `FORWARD_DEPENDENCY`: it names a task that does not exist yet
   */
  add(definition: unknown): readonly PlanIssue[]
}

/** A request for a plan. */
export interface PlanRequest {
  readonly provider: LLMProvider
  /** What the plan is for. */
  readonly prompt: string
  /** The tools that it may use. */
  readonly tools: ToolRegistry
  readonly checks: PlanChecks
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
  /** Called before each repair with the lines that go back. */
  readonly onRepair?: (refused: readonly RefusedLine[]) => void
}

interface Refusal extends RefusedLine {
  /** Present on a task that may only wait for one that comes later. */
  readonly definition?: unknown
  /** Its JSON: contains the ids that it names. */
  readonly written?: string
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
  const { tools, prompt, repairs = 2, maxPromptTokens = 16_000, onRepair } = request
  if (!(Number.isInteger(repairs) && repairs >= 0 && repairs <= 10)) {
    throw invalidOption('repairs', 'an integer from 0 to 10', repairs)
  }
  if (!(Number.isInteger(maxPromptTokens) && maxPromptTokens > 0)) {
    throw invalidOption('maxPromptTokens', 'a positive integer', maxPromptTokens)
  }
  const first = writePlanPrompt(tools, prompt, maxPromptTokens)
  const draft = new Draft(request.checks)
  let messages = first
  for (let repair = 0; ; repair++) {
    let isSealed = false
    let text = ''
    const answer = new AnswerLines()
    const take = function* (lines: ReturnType<AnswerLines['push']>): Generator<object, void, undefined> {
      for (const line of lines) {
        for (const meant of readPlanLine(line)) {
          // Lines behind the seal are ignored.
          if (isSealed) return
          if (meant.kind === 'seal') isSealed = true
          else if (meant.kind === 'refused') draft.refuse(meant.text, meant.problem)
          else if (meant.kind === 'task') yield* draft.add(meant.text, meant.definition)
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
    const isCut = !isSealed && finish.reason === 'length'
    const { refused, acceptedIds } = draft
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

/** The accepted tasks and the refused lines of a plan. */
class Draft {
  readonly #checks: PlanChecks
  readonly #accepted = new Set<string>()
  #refused: Refusal[] = []
  #isRepair = false

  constructor(checks: PlanChecks) {
    this.#checks = checks
  }

  get acceptedIds(): readonly string[] {
    return [...this.#accepted]
  }

  get refused(): readonly RefusedLine[] {
    return this.#refused
  }

  refuse(text: string, message: string): void {
    this.#refused.push({ text, issues: [{ code: 'INVALID_SHAPE', pointer: '', message }] })
  }

  /** @returns the task, if it is accepted, with those that waited for it */
  *add(text: string, definition: unknown): Generator<object, void, undefined> {
    const id = idOf(definition)
    // A repair that repeats what was accepted changes nothing.
    if (id !== undefined && this.#accepted.has(id) && this.#isRepair) return
    // A line that is written again replaces the refused one.
    if (id !== undefined) this.#refused = this.#refused.filter(each => idOf(each.definition) !== id)
    if (this.#accepted.size >= PLANNER_LIMITS.maxTasks) {
      this.refuse(text, `Expected at most ${PLANNER_LIMITS.maxTasks} tasks`)
      return
    }
    const issues = this.#checks.add(definition)
    if (issues.length > 0) {
      this.#refused.push({ text, issues, definition, written: stringifyJson(definition) })
      return
    }
    this.#accepted.add(id as string)
    yield definition as object
    yield* this.#addWaiting(id as string)
  }

  /** Before a repair: only tasks that wait for others are kept, as the others are to be written again. */
  forgetRefused(): void {
    this.#isRepair = true
    this.#refused = this.#refused.filter(isWaiting)
  }

  /** @param id of an accepted task: those that wait for it are checked again, and then those that wait for them */
  *#addWaiting(id: string): Generator<object, void, undefined> {
    const ids = [id]
    for (let next = ids.shift(); next !== undefined; next = ids.shift()) {
      for (const line of this.#refused.slice()) {
        // JSON may escape other ids in several ways.
        const mayName = !/^[\w.-]+$/.test(next) || line.written?.includes(next)
        if (!isWaiting(line) || !mayName) continue
        const issues = this.#checks.add(line.definition)
        const at = this.#refused.indexOf(line)
        if (issues.length > 0) this.#refused[at] = { ...line, issues }
        else {
          this.#refused.splice(at, 1)
          const accepted = idOf(line.definition) as string
          this.#accepted.add(accepted)
          ids.push(accepted)
          yield line.definition as object
        }
      }
    }
  }
}

/** Whether it only refers to tasks that do not exist yet. */
function isWaiting({ definition, issues }: Refusal): boolean {
  return definition !== undefined && issues.every(({ code }) => code === 'FORWARD_DEPENDENCY')
}

function idOf(definition: unknown): string | undefined {
  const id = (definition as { readonly id?: unknown } | null | undefined)?.id
  return typeof id === 'string' ? id : undefined
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

/** The text of one answer. @param finish receives the reason of its end */
async function* streamText(
  { provider, model, signal, onText, onUsage }: PlanRequest,
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
