import { CLOCK_METHODS, type Clock, systemClock } from '../clock.ts'
import { expectMethods, expectObject, invalidOption } from '../errors.ts'
import type { InputQuestion, Schedule } from '../events/events.ts'
import type { ExecutionStore } from '../store/execution-store.ts'
import { LIMITS } from '../workflow/document.ts'
import { createId } from './execution-id.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from '../log/logger.ts'

/** How executions run. Given to an executor for all of its executions, or to one call for that one. */
export interface ExecutionOptions {
  /**
   * `"layers"`: one topological layer after another, each in parallel; `"dataflow"`: a task starts as soon as its own
   * dependencies succeeded. @defaultValue `"layers"`
   */
  readonly schedule?: Schedule
  /** Tasks that run at once: a positive integer or `Infinity`. @defaultValue 64 */
  readonly maxConcurrency?: number
  /**
   * `"continue"`: what does not depend on a failed task goes on; `"fail-fast"`: nothing more starts, what runs is aborted
   * and waited for. @defaultValue `"continue"`
   */
  readonly onTaskError?: 'continue' | 'fail-fast'
  /**
   * What becomes of it when the process that runs it ends without it, and another takes it up: `"resume"`: what was cut runs
   * again and the rest follows; `"fail"`: every task that has not settled ends with `INTERRUPTED`. @defaultValue `"resume"`
   */
  readonly onCrash?: 'resume' | 'fail'
  /** The whole execution's, ms; 0 for none. At the end of it the execution is cancelled. @defaultValue 0 */
  readonly timeoutMs?: number
  /** Per attempt, ms, where neither task nor tool says otherwise; 0 for none. @defaultValue 30,000 */
  readonly taskTimeoutMs?: number
  /** How long the `finally` tasks of a workflow may take together, ms; 0 for no bound. @defaultValue 60,000 */
  readonly finallyTimeoutMs?: number
  /** Items of one `forEach`: a positive integer, at most 100,000. @defaultValue 10,000 */
  readonly maxItems?: number
  /** How long an aborted tool may take to settle before it is abandoned, ms. @defaultValue 2,000 */
  readonly abortGraceMs?: number
  /** Cancels the execution once its tokens in and out exceed this. @defaultValue no bound */
  readonly maxTokens?: number
  /** Cancels the execution once its cost in US dollars exceeds this. @defaultValue no bound */
  readonly maxCost?: number
  /**
   * Called with each question to a person when it opens, again in each process that resumes it. What it returns, or resolves
   * to, is the answer; `undefined` leaves the question open for others. A throw and an answer that does not fit are logged, and
   * leave it open. Without it, a question without `expiresMs` expires at once in `execute` and `executeWithStreaming`, where
   * nobody else can answer.
   */
  readonly onInput?: (input: InputQuestion & { readonly executionId: string }) => unknown
  /** Where the execution and its events are kept. @defaultValue in memory, only while it runs */
  readonly store?: ExecutionStore
  readonly logger?: Logger
  readonly clock?: Clock
  /** Source of jitter, 0–1. @defaultValue `Math.random` */
  readonly random?: () => number
  /** Source of ids: `[A-Za-z0-9_-]`, 1–128 characters. @defaultValue 131 random bits, never with a dash in front */
  readonly createId?: () => string
}

/** The options of an execution, every one of them there and checked. */
export type ResolvedOptions = Required<Omit<ExecutionOptions, 'store' | 'onInput'>> & {
  readonly store: ExecutionStore | undefined
  readonly onInput: ExecutionOptions['onInput'] | undefined
}

/** The options of an execution that is given none. */
export const DEFAULT_OPTIONS: ResolvedOptions = {
  schedule: 'layers',
  maxConcurrency: 64,
  onTaskError: 'continue',
  onCrash: 'resume',
  timeoutMs: 0,
  taskTimeoutMs: 30_000,
  finallyTimeoutMs: 60_000,
  maxItems: LIMITS.maxItems,
  abortGraceMs: 2000,
  maxTokens: Number.POSITIVE_INFINITY,
  maxCost: Number.POSITIVE_INFINITY,
  onInput: undefined,
  store: undefined,
  logger: SILENT_LOGGER,
  clock: systemClock,
  random: Math.random,
  createId,
}

/** What executions call. */
const STORE_METHODS = ['create', 'claim', 'append', 'read', 'putOutput', 'getOutput']

/** Their names. */
export const EXECUTION_OPTIONS: readonly string[] = Object.keys(DEFAULT_OPTIONS)

/**
 * Later options win over earlier ones, and all over the defaults; `undefined` counts as not given.
 * @throws `INVALID_OPTION`, also for a name that is not an option
 */
export function resolveOptions(...given: readonly (ExecutionOptions | undefined)[]): ResolvedOptions {
  const resolved: Record<string, unknown> = { ...DEFAULT_OPTIONS }
  for (const options of given) {
    if (options !== undefined) expectObject('options', options)
    for (const [name, value] of Object.entries(options ?? {})) {
      if (!EXECUTION_OPTIONS.includes(name))
        throw invalidOption(name, `absent: known are ${EXECUTION_OPTIONS.join(', ')}`, value)
      if (value !== undefined) resolved[name] = value
    }
  }
  expectMethods('clock', resolved.clock, CLOCK_METHODS)
  if (resolved.store !== undefined) expectMethods('store', resolved.store, STORE_METHODS)
  for (const name of ['random', 'createId', 'onInput']) {
    if (name === 'onInput' && resolved[name] === undefined) continue
    if (typeof resolved[name] !== 'function') throw invalidOption(name, 'a function', resolved[name])
  }
  resolved.logger = guardLogger(resolved.logger as Logger)
  resolved.random = guardRandom(resolved.random as () => number)
  const options = resolved as unknown as ResolvedOptions
  expectOneOf(options, 'schedule', ['layers', 'dataflow'])
  expectOneOf(options, 'onTaskError', ['continue', 'fail-fast'])
  expectOneOf(options, 'onCrash', ['resume', 'fail'])
  const { maxConcurrency } = options
  if (maxConcurrency !== Number.POSITIVE_INFINITY && !(Number.isInteger(maxConcurrency) && maxConcurrency > 0)) {
    throw invalidOption('maxConcurrency', 'a positive integer or Infinity', maxConcurrency)
  }
  for (const name of ['timeoutMs', 'taskTimeoutMs', 'finallyTimeoutMs', 'abortGraceMs'] as const) {
    if (!isAtLeastZero(options[name]) || options[name] === Number.POSITIVE_INFINITY) {
      throw invalidOption(name, 'a finite number of milliseconds, 0 or more', options[name])
    }
  }
  const { maxItems } = options
  if (!(Number.isInteger(maxItems) && maxItems > 0 && maxItems <= LIMITS.maxExecutionTasks)) {
    throw invalidOption('maxItems', `an integer from 1 to ${LIMITS.maxExecutionTasks}`, maxItems)
  }
  for (const name of ['maxTokens', 'maxCost'] as const) {
    if (!isAtLeastZero(options[name])) throw invalidOption(name, 'a number, 0 or more', options[name])
  }
  return options
}

/** What throws or is no number from 0 to 1 is no jitter. */
function guardRandom(random: () => number): () => number {
  return () => {
    try {
      const value = random()
      return value >= 0 && value <= 1 ? value : 0.5
    } catch {
      return 0.5
    }
  }
}

/** A number, 0 or more; what only converts to one is none. */
export function isAtLeastZero(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}

function expectOneOf(
  options: ResolvedOptions,
  name: 'schedule' | 'onTaskError' | 'onCrash',
  values: readonly string[],
): void {
  if (!values.includes(options[name])) {
    throw invalidOption(name, values.map(value => `"${value}"`).join(' or '), options[name])
  }
}
