import { CLOCK_METHODS, type Clock, systemClock } from '../clock.ts'
import { expectMethods, expectObject, invalidOption } from '../errors.ts'

/** A lost connection that will be retried. */
export interface Reconnect {
  /** Number of the retry since the last new item, from 1. */
  readonly attempt: number
  /** Delay before the retry, ms. */
  readonly delayMs: number
  /** Failure of the previous connection. */
  readonly error: unknown
}

/** The following items do not continue the earlier ones: discard what those produced. */
export interface Reset {
  /**
   * `"snapshot"`: the state replaces events that are no longer available; `"retry"`: the attempt failed and its streamed
   * content is void; `"restart"`: the source starts over, since it has no ids to resume from.
   */
  readonly reason: 'snapshot' | 'retry' | 'restart'
  /** For `"retry"`: only this task's content is void. */
  readonly taskId?: string
}

/** Reconnection policy. */
export interface ReconnectionOptions {
  /** Maximum number of consecutive retries without a new item: an integer ≥ 0, or `Infinity`. @defaultValue 10 */
  readonly maxRetries?: number
  /** Delay before the first retry, ms. @defaultValue 1,000 */
  readonly initialDelayMs?: number
  /** Factor between consecutive delays, ≥ 1. @defaultValue 2 */
  readonly factor?: number
  /** Maximum delay, ms, except where the server asks for more. @defaultValue 10,000 */
  readonly maxDelayMs?: number
  /** Random variation of each delay as a share of it, 0–1. @defaultValue 0.1 */
  readonly jitter?: number
  /** Called and awaited before each delay. An error it throws ends the run. */
  readonly onReconnect?: (reconnect: Reconnect) => void | Promise<void>
  /** Called and awaited before the first item that is not an exact continuation. An error it throws ends the run. */
  readonly onReset?: (reset: Reset) => void | Promise<void>
  readonly clock?: Clock
  /** Source of jitter, 0–1. @defaultValue `Math.random` */
  readonly random?: () => number
  /** Ends every run, with its reason. */
  readonly signal?: AbortSignal
}

type Optional = 'onReconnect' | 'onReset' | 'signal'

/** Validated options with defaults applied. */
export type ResolvedReconnectionOptions = Required<Omit<ReconnectionOptions, Optional>> &
  Pick<ReconnectionOptions, Optional>

const DEFAULTS: ResolvedReconnectionOptions = {
  maxRetries: 10,
  initialDelayMs: 1000,
  factor: 2,
  maxDelayMs: 10_000,
  jitter: 0.1,
  clock: systemClock,
  random: Math.random,
}

const OPTION_NAMES: readonly string[] = [...Object.keys(DEFAULTS), 'onReconnect', 'onReset', 'signal']

/** Applies defaults and validates; `undefined` counts as absent. @throws `INVALID_OPTION`, also for an unknown option */
export function resolveReconnectionOptions(given: ReconnectionOptions = {}): ResolvedReconnectionOptions {
  const resolved: Record<string, unknown> = { ...DEFAULTS }
  for (const [name, value] of Object.entries(expectObject('options', given))) {
    if (!OPTION_NAMES.includes(name)) throw invalidOption(name, `absent: known are ${OPTION_NAMES.join(', ')}`, value)
    if (value !== undefined) resolved[name] = value
  }
  const options = resolved as unknown as ResolvedReconnectionOptions
  const { maxRetries } = options
  if (maxRetries !== Number.POSITIVE_INFINITY && !(Number.isInteger(maxRetries) && maxRetries >= 0)) {
    throw invalidOption('maxRetries', 'an integer ≥ 0 or Infinity', maxRetries)
  }
  expectNumber(options, 'initialDelayMs', 0)
  expectNumber(options, 'factor', 1)
  expectNumber(options, 'maxDelayMs', 0)
  expectNumber(options, 'jitter', 0, 1)
  for (const name of ['onReconnect', 'onReset', 'random'] as const) {
    const value: unknown = options[name]
    if (value !== undefined && typeof value !== 'function') throw invalidOption(name, 'a function', value)
  }
  expectMethods('clock', options.clock, CLOCK_METHODS)
  expectSignal(options.signal)
  return options
}

/** @throws `INVALID_OPTION` */
export function expectSignal(signal: AbortSignal | undefined): void {
  if (signal !== undefined) expectMethods('signal', signal, ['addEventListener', 'removeEventListener'])
}

function expectNumber(
  options: ResolvedReconnectionOptions,
  name: 'initialDelayMs' | 'factor' | 'maxDelayMs' | 'jitter',
  minimum: number,
  maximum = Number.MAX_VALUE,
): void {
  const value: unknown = options[name]
  if (typeof value === 'number' && value >= minimum && value <= maximum) return
  const range = maximum === Number.MAX_VALUE ? `a finite number ≥ ${minimum}` : `a number from ${minimum} to ${maximum}`
  throw invalidOption(name, range, value)
}
