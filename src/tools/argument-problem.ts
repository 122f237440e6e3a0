/** One fault of a task's arguments. */
export interface ArgumentProblem {
  /** JSON Pointer inside the arguments: the value at fault, an unknown argument itself, the object that lacks something. */
  readonly pointer: string
  readonly message: string
}

/** A problem, with what is known about its cause. */
export interface FoundProblem extends ArgumentProblem {
  /** The part of the arguments that decided it, where that is more than `pointer`. */
  readonly decidedBy?: string
  /** It follows from which keys there are, not from their values: no reference can mend it. */
  readonly isCertain: boolean
}

/** Arguments after their check: `value` is what the tool gets if there are no problems. */
export interface CheckedArguments<Problem extends ArgumentProblem = ArgumentProblem> {
  readonly value: unknown
  /** At most 100. */
  readonly problems: readonly Problem[]
}

/** What a schema says about a value. Never throws, never rejects; a promise only from an asynchronous schema. */
export type SchemaCheck = (value: unknown) => CheckedArguments<FoundProblem> | Promise<CheckedArguments<FoundProblem>>
