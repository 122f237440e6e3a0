/** The reason for which a source is not a valid condition. */
export interface ConditionProblem {
  /** What was expected and what was found. */
  readonly message: string
  /** From 1, UTF-16 units from the start of the source, line breaks included. Absent if the source is not a string. */
  readonly column?: number
  /** How to correct it. */
  readonly hint?: string
}

/** Ends the parsing or checking of a source. Internal: `parseCondition` returns its problem. */
export class ProblemError extends Error {
  override readonly name: string = 'ProblemError'
  readonly problem: ConditionProblem

  /** @param at offset in the source, from 0 */
  constructor(message: string, at: number, hint?: string) {
    super(message)
    this.problem = { message, column: at + 1, ...(hint !== undefined && { hint }) }
  }
}

/** A condition that cannot be decided for the given values. */
export class ConditionError extends Error {
  override readonly name: string = 'ConditionError'
  readonly code = 'CONDITION_FAILED' as const
  /** From 1, UTF-16 units from the start of the source: the part that failed. */
  readonly column: number
  /** How to correct it; the message contains it, too. */
  readonly hint?: string

  constructor(message: string, column: number, hint?: string) {
    super(hint === undefined ? message : `${message}. ${hint}`)
    this.column = column
    if (hint !== undefined) this.hint = hint
  }
}
