/** One fault of a task's arguments. */
export interface ArgumentProblem {
  /**
   * JSON Pointer inside the arguments: to the invalid value, to the unknown argument, or to the object that lacks one.
   */
  readonly pointer: string
  readonly message: string
  /** Whether the key that the pointer leads to is wrong, whatever its value. */
  readonly isAboutKey?: true
}

/** A problem with its cause. */
export interface FoundProblem extends ArgumentProblem {
  /** Pointer to the part of the arguments that decided it, if that is larger than `pointer`. */
  readonly decidedBy?: string
  /** Whether it follows from the keys alone, not from their values, so that no reference can fix it. */
  readonly isCertain: boolean
}

/** Checked arguments. The tool receives `value` if there are no problems. */
export interface CheckedArguments<Problem extends ArgumentProblem = ArgumentProblem> {
  readonly value: unknown
  /** At most 100. */
  readonly problems: readonly Problem[]
}

/** Checks a value by a schema. Never throws or rejects; returns a promise only for an asynchronous schema. */
export type SchemaCheck = (value: unknown) => CheckedArguments<FoundProblem> | Promise<CheckedArguments<FoundProblem>>
