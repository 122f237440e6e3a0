import { CLOCK_METHODS, type Clock, systemClock } from '../clock.ts'
import { MAX_PRIORITY, MIN_PRIORITY } from '../cluster/order.ts'
import { expectMethods, expectObject, invalidOption } from '../errors.ts'
import type { InputQuestion, Schedule } from '../events/events.ts'
import type { ExecutionStore } from '../store/execution-store.ts'
import { LIMITS } from '../workflow/document.ts'
import { createId } from './execution-id.ts'
import type { ExecutionObserver } from './observers/execution-observer.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from '../log/logger.ts'

/** Options of executions: of an executor for all of its executions, or of one call. */
export interface ExecutionOptions {
  /**
   * `"layers"`: one topological layer after another, each in parallel; `"dataflow"`: a task starts as soon as its own
   * dependencies have succeeded. @defaultValue `"layers"`
   */
  readonly schedule?: Schedule
  /** Maximum number of concurrent tasks: a positive integer or `Infinity`. @defaultValue 64 */
  readonly maxConcurrency?: number
  /**
   * −100 to 100: among the executions that wait for the same limit or rate of a tool the higher ones go first, and those of
   * one priority take turns. Does not stop what runs. @defaultValue 0
   */
  readonly priority?: number
  /**
   * `"continue"`: tasks that do not depend on a failed task still run; `"fail-fast"`: no further task starts, running
   * attempts are aborted and awaited. @defaultValue `"continue"`
   */
  readonly onTaskError?: 'continue' | 'fail-fast'
  /**
   * Behaviour when another process takes over after a crash. `"resume"`: interrupted attempts run again and the remaining
   * tasks follow; `"fail"`: every unsettled task ends with `INTERRUPTED`. @defaultValue `"resume"`
   */
  readonly onCrash?: 'resume' | 'fail'
  /** Timeout of the whole execution, ms, after which it is cancelled; 0 for none. @defaultValue 0 */
  readonly timeoutMs?: number
  /** Timeout of an attempt whose task and tool give none, ms; 0 for none. @defaultValue 30,000 */
  readonly taskTimeoutMs?: number
  /** Maximum time for all `finally` tasks of a workflow together, ms; 0 for no bound. @defaultValue 60,000 */
  readonly finallyTimeoutMs?: number
  /** Maximum number of items of one `forEach`: a positive integer, at most 100,000. @defaultValue 10,000 */
  readonly maxItems?: number
  /** Time for an aborted tool to settle before it is abandoned, ms. @defaultValue 2,000 */
  readonly abortGraceMs?: number
  /** Budget of input and output tokens; the execution is cancelled once it is exceeded. @defaultValue no bound */
  readonly maxTokens?: number
  /** Budget in US dollars; the execution is cancelled once its cost exceeds it. @defaultValue no bound */
  readonly maxCost?: number
  /**
   * Called with each question to a person when it opens, again in each process that resumes it. The value that it returns, or
   * resolves to, is the answer; `undefined` leaves the question open for others. A throw and an answer that does not fit are
   * logged, and leave it open. Without it, a question without `expiresMs` expires at once in `execute` and
   * `executeWithStreaming`, where nobody else can answer.
   */
  readonly onInput?: (input: InputQuestion & { readonly executionId: string }) => unknown
  /** Each receives the log entries of every execution that starts or resumes. @defaultValue none */
  readonly observers?: readonly ExecutionObserver[]
  /** The store of the execution and its events. @defaultValue none: events stay in memory while the execution runs */
  readonly store?: ExecutionStore
  readonly logger?: Logger
  readonly clock?: Clock
  /** Source of jitter, 0–1. @defaultValue `Math.random` */
  readonly random?: () => number
  /** Source of ids: `[A-Za-z0-9_-]`, 1–128 characters. @defaultValue 131 random bits, never with a leading dash */
  readonly createId?: () => string
}

/** The options of an execution, all present and checked. */
export type ResolvedOptions = Required<Omit<ExecutionOptions, 'store' | 'onInput'>> & {
  readonly store: ExecutionStore | undefined
  readonly onInput: ExecutionOptions['onInput'] | undefined
}

/** Default options. */
export const DEFAULT_OPTIONS: ResolvedOptions = {
  schedule: 'layers',
  maxConcurrency: 64,
  priority: 0,
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
  observers: [],
  store: undefined,
  logger: SILENT_LOGGER,
  clock: systemClock,
  random: Math.random,
  createId,
}

/** Describes a valid priority. */
export const PRIORITY_RANGE: string = `an integer from ${MIN_PRIORITY} to ${MAX_PRIORITY}`

/** Whether a value is a valid priority. */
export function isPriority(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= MIN_PRIORITY && (value as number) <= MAX_PRIORITY
}

/** The methods of a store that executions call. */
const STORE_METHODS = ['create', 'claim', 'append', 'read', 'putOutput', 'getOutput']

/** The names of all execution options. */
export const EXECUTION_OPTIONS: readonly string[] = Object.keys(DEFAULT_OPTIONS)

/**
 * Merges options: later ones override earlier ones and the defaults; `undefined` counts as absent.
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
  expectObservers(resolved['observers'])
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
  if (!isPriority(options.priority)) throw invalidOption('priority', PRIORITY_RANGE, options.priority)
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

/** Wraps a source of jitter: 0.5 replaces an error or a value that is not from 0 to 1. */
/** @throws `INVALID_OPTION` */
export function expectObservers(observers: unknown): void {
  if (!Array.isArray(observers)) throw invalidOption('observers', 'an array of observers', observers)
  for (const [at, observer] of observers.entries()) expectMethods(`observers[${at}]`, observer, ['observe'])
}

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

/** Whether a value is a number ≥ 0, without conversion. */
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
