import { describeValue } from '../errors.ts'
import type { ConditionName, ConditionValues, Frame, Run } from './compiled.ts'
import { Compiler, type ConditionReference } from './compiler.ts'
import { CONDITION_LIMITS } from './limits.ts'
import { type ObservedValue, observe } from './observe.ts'
import { parseExpression } from './parse-expression.ts'
import { ConditionError, type ConditionProblem, ProblemError } from './problem.ts'
import { expectBoolean, requireBoolean } from './types.ts'
import { Budget, Failure, StepsExceeded } from './values.ts'

/** The names that an expression may use. */
export interface ConditionScope {
  readonly names: readonly ConditionName[]
}

/** A checked expression of CEL whose value is a boolean. Immutable: any number of evaluations may share it. */
export class Condition {
  readonly source: string
  /** The input and the tasks that it names, each once, in order of their first mention. */
  readonly references: readonly ConditionReference[]
  /** Whether it names `item` or `index`. */
  readonly usesItem: boolean
  readonly #run: Run
  readonly #reads: ReadonlyMap<string, Run>

  /** Use `parseCondition`. */
  constructor(source: string, compiler: Compiler, run: Run) {
    this.source = source
    this.references = Object.freeze(compiler.references)
    this.usesItem = compiler.usesItem
    this.#run = run
    this.#reads = compiler.reads
  }

  /**
   * Decides the condition. Takes at most `maxSteps` steps, never waits, and changes no value.
   * @throws ConditionError `CONDITION_FAILED` for a missing key or element, a value of an unsuitable type, an impossible
   *   calculation, or too many steps
   */
  evaluate(values: ConditionValues): boolean {
    const result = this.#evaluate(values)
    if (typeof result === 'boolean') return result
    const { message, hint } = result.describe()
    throw new ConditionError(message.toWellFormed(), result.at + 1, hint?.toWellFormed())
  }

  /**
   * The values that it names, by their source, such as `{"output.label.count": 3}`: at most 20, each at most 200 characters
   * of JSON. Missing ones are omitted; larger arrays and objects are shown by their size.
   */
  observe(values: ConditionValues): Record<string, ObservedValue> {
    return observe(this.#reads, createFrame(values))
  }

  #evaluate(values: ConditionValues): boolean | Failure {
    try {
      return requireBoolean(this.#run(createFrame(values)), 0, 'A condition')
    } catch (error) {
      if (!(error instanceof StepsExceeded)) throw error
      const { maxSteps } = CONDITION_LIMITS
      return new Failure(0, () => ({
        message: `The condition needs more than ${maxSteps.toLocaleString('en')} steps`,
        hint: 'Let a task compute the value',
      }))
    }
  }
}

/**
 * Parses and checks an expression of CEL: its syntax, its names, and types as far as they are known.
 *
 * Not part of it: regular expressions, times and durations, bytes, unsigned integers, types as values, messages,
 * optional values. Integer literals, `size` and `int` are integers of 64 bits, numbers of JSON are doubles, and both mix
 * in every operation. `true || x` is true even if `x` fails, on either side; likewise `&&`, `all` and `exists`.
 * @param scope which names have a value where the expression stands
 * @returns the condition, or the first problem
 */
export function parseCondition(source: unknown, scope: ConditionScope): Condition | ConditionProblem {
  if (typeof source !== 'string') return { message: `Expected an expression as a string, got ${describeValue(source)}` }
  const { maxLength } = CONDITION_LIMITS
  if (source.length > maxLength) {
    const found = `Expected at most ${maxLength.toLocaleString('en')} characters, found ${source.length.toLocaleString('en')}`
    return { message: found, column: maxLength + 1 }
  }
  try {
    const node = parseExpression(source)
    const compiler = new Compiler(source, scope.names)
    const { type, run } = compiler.compile(node)
    expectBoolean(type, node.at, 'A condition')
    return new Condition(source, compiler, run)
  } catch (error) {
    if (error instanceof ProblemError) return error.problem
    throw error
  }
}

function createFrame(values: ConditionValues): Frame {
  return { values, locals: [], budget: new Budget(CONDITION_LIMITS.maxSteps) }
}
