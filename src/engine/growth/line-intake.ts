import type { PlanIssue, Reason } from '../../events/events.ts'
import type { PlanDesk } from './plan-desk.ts'
import { isSeal, type PlanLine } from './plan-lines.ts'
import type { ResolvedPlanOptions } from './plan-options.ts'

/** Lines of one source that `onPlanError: "skip"` leaves out; the next refused one ends the execution. */
const MAX_REFUSED_LINES = 1000

/** Adds the lines of one source to an execution, or refuses them. */
export class LineIntake {
  readonly #desk: PlanDesk
  readonly #streamed: ResolvedPlanOptions
  #refusedCount = 0

  constructor(desk: PlanDesk, streamed: ResolvedPlanOptions) {
    this.#desk = desk
    this.#streamed = streamed
  }

  /**
   * Takes a line, at once.
   * @param line `undefined`: the end of the plan
   * @returns why no further line is taken: the plan is complete, the line ends the execution, or the execution ends
   */
  take(line: PlanLine | undefined): 'sealed' | 'rejected' | 'ended' | undefined {
    const desk = this.#desk
    if (desk.isClosed) return 'ended'
    if (line === undefined || ('value' in line && isSeal(line.value))) {
      desk.seal()
      return 'sealed'
    }
    const issues = 'value' in line ? desk.add(line.value, line.line, line.json) : line.issues
    if (issues === undefined) return undefined
    const isLast = this.#streamed.onPlanError === 'fail' || 'isLast' in line || ++this.#refusedCount > MAX_REFUSED_LINES
    this.#refuse(line.line, issues, isLast)
    return isLast ? 'rejected' : undefined
  }

  /** @param isLast whether the line ends the execution */
  #refuse(line: number, issues: readonly PlanIssue[], isLast: boolean): void {
    const message = `Line ${line} of the plan was refused: ${issues[0]?.message}`
    const reason: Reason = { code: 'PLAN_REJECTED', message }
    this.#desk.reject(line, issues, isLast ? reason : undefined)
  }
}
