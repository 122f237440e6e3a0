import { stringifyJson } from '../../../json/stringify-json.ts'
import type { PlanIssue } from './plan-issue.ts'
import type { RefusedLine } from './plan-prompt.ts'

/** Maximum numbers of tasks of a plan and of refused lines of one answer, and its length, characters. */
export const PLANNER_LIMITS: {
  readonly maxTasks: number
  readonly maxRefused: number
  readonly maxAnswerLength: number
} = {
  maxTasks: 1000,
  maxRefused: 1000,
  maxAnswerLength: 8 * 1024 * 1024,
}

/** Accepts the tasks of a plan, one after the other. */
export interface PlanChecks {
  /**
   * @returns the problems of a task; none if it is accepted. `FORWARD_DEPENDENCY`: it names a task that does not exist yet
   */
  add(definition: unknown): readonly PlanIssue[]
}

interface Refusal extends RefusedLine {
  /** Present on a task that may only wait for one that comes later. */
  readonly definition?: unknown
  /** Its JSON: contains the ids that it names. */
  readonly written?: string
}

/** The accepted tasks and the refused lines of a plan. */
export class PlanDraft {
  readonly #checks: PlanChecks
  readonly #accepted: Set<string>
  #refused: Refusal[] = []
  /** Those that the last repair was asked for. */
  #sent: Refusal[] = []
  #isRepair: boolean
  /** Lines of this answer that were refused, also those that were written again. */
  #refusedCount = 0

  /** @param accepted those of an answer that broke off */
  constructor(checks: PlanChecks, accepted: readonly unknown[]) {
    this.#checks = checks
    this.#accepted = new Set(accepted.flatMap(task => idOf(task) ?? []))
    this.#isRepair = accepted.length > 0
  }

  get acceptedIds(): readonly string[] {
    return [...this.#accepted]
  }

  get refused(): readonly RefusedLine[] {
    return this.#refused
  }

  /** Whether too many lines of this answer were refused to read on. */
  get isExhausted(): boolean {
    return this.#refusedCount > PLANNER_LIMITS.maxRefused
  }

  refuse(line: number, text: string, message: string): void {
    this.#refuse({ line, text, issues: [{ code: 'INVALID_SHAPE', pointer: '', message }] })
  }

  #refuse(refusal: Refusal): void {
    this.#refused.push(refusal)
    this.#refusedCount += 1
    if (this.#refusedCount !== PLANNER_LIMITS.maxRefused) return
    this.refuse(
      refusal.line + 1,
      '',
      `Expected at most ${PLANNER_LIMITS.maxRefused} refused lines: those behind are not read`,
    )
  }

  /** @returns the task, if it is accepted, with those that waited for it */
  *add(line: number, text: string, definition: unknown): Generator<object, void, undefined> {
    const id = idOf(definition)
    // A repair that repeats what was accepted changes nothing.
    if (id !== undefined && this.#accepted.has(id) && this.#isRepair) return
    // A line that is written again replaces the refused one.
    if (id !== undefined) this.#refused = this.#refused.filter(each => idOf(each.definition) !== id)
    if (this.#accepted.size >= PLANNER_LIMITS.maxTasks) {
      this.refuse(line, text, `Expected at most ${PLANNER_LIMITS.maxTasks} tasks`)
      return
    }
    const issues = this.#checks.add(definition)
    if (issues.length > 0) {
      this.#refuse({ line, text, issues, definition, written: stringifyJson(definition) })
      return
    }
    this.#accepted.add(id as string)
    yield definition as object
    yield* this.#addWaiting(id as string)
  }

  /** Before a repair: only tasks that wait for others are kept, as the others are to be written again. */
  forgetRefused(): void {
    this.#isRepair = true
    this.#refusedCount = 0
    this.#sent = this.#refused
    this.#refused = this.#refused.filter(isWaiting)
  }

  /** A repair had nothing to read: what was refused before it is refused still. */
  recallRefused(): void {
    this.#refused = this.#sent
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
