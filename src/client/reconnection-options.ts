import { CLOCK_METHODS, type Clock, systemClock } from '../clock.ts'
import { expectMethods, expectObject, invalidOption } from '../errors.ts'

/** A connection was lost, and another will be tried. */
export interface Reconnect {
  /** Which retry it will be since the last new item, from 1. */
  readonly attempt: number
  /** How long is waited before it, ms. */
  readonly delayMs: number
  /** Why the last one failed. */
  readonly error: unknown
}

/** What follows is not the continuation of what came: clear what it made. */
export interface Reset {
  /**
   * `"snapshot"`: the state follows instead of events that cannot be had any more; `"retry"`: the attempt failed and what
   * it streamed is void; `"restart"`: the source begins anew, since it has no ids to go on from.
   */
  readonly reason: 'snapshot' | 'retry' | 'restart'
  /** For `"retry"`: only this task's content is void. */
  readonly taskId?: string
}

/** How lost connections are tried again. */
export interface ReconnectionOptions {
  /** Retries in a row that bring no new item: an integer ≥ 0, or `Infinity`. @defaultValue 10 */
  readonly maxRetries?: number
  /** Before the first retry, ms. @defaultValue 1,000 */
  readonly initialDelayMs?: number
  /** Each further delay is this many times the one before, ≥ 1. @defaultValue 2 */
  readonly factor?: number
  /** No delay is longer, ms, but where the server asks for more. @defaultValue 10,000 */
  readonly maxDelayMs?: number
  /** Each delay varies by up to this share of itself, 0–1. @defaultValue 0.1 */
  readonly jitter?: number
  /** Called before each wait, and waited for. What it throws ends the run. */
  readonly onReconnect?: (reconnect: Reconnect) => void | Promise<void>
  /** Called before the first item that is not an exact continuation, and waited for. What it throws ends the run. */
  readonly onReset?: (reset: Reset) => void | Promise<void>
  readonly clock?: Clock
  /** Source of jitter, 0–1. @defaultValue `Math.random` */
  readonly random?: () => number
  /** Ends every run, with its reason. */
  readonly signal?: AbortSignal
}

type Optional = 'onReconnect' | 'onReset' | 'signal'

/** The options, every one of them there and checked. */
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

/** `undefined` counts as not given. @throws `INVALID_OPTION`, also for a name that is not an option */
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

/**
 * How long to wait before a retry, ms: exponential, varied by the jitter, never beyond the bound.
 * @param attempt of the retry, from 1
 */
export function computeReconnectDelay(options: ResolvedReconnectionOptions, attempt: number): number {
  const { initialDelayMs, factor, maxDelayMs, jitter, random } = options
  // A power may overflow to Infinity, of which zero times is no number.
  const grown = initialDelayMs === 0 ? 0 : Math.min(maxDelayMs, initialDelayMs * factor ** (attempt - 1))
  const share = random()
  // What is no number from 0 to 1 is no jitter.
  const spread = share >= 0 && share <= 1 ? 2 * share - 1 : 0
  return Math.round(Math.min(maxDelayMs, Math.max(0, grown * (1 + jitter * spread))))
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
