import { CLOCK_METHODS, type Clock, systemClock } from '../clock.ts'
import type { Dispatcher } from '../cluster/order.ts'
import { isSharedStore, type SharedStore } from '../cluster/shared-store.ts'
import { DagstreamError, expectMethods, expectObject, invalidOption } from '../errors.ts'
import { guardLogger, type Logger, SILENT_LOGGER } from '../log/logger.ts'
import type { ToolSource } from '../tools/registry.ts'
import type { ToolProvider } from '../tools/tool-resolver.ts'

/** Options of a worker. */
export interface WorkerOptions {
  /** The store of the system, such as `openPostgresStore(url)`. The caller closes it. */
  readonly store: SharedStore
  /** The tools that it runs. Those of a provider are listed once, at the start. */
  readonly tools: ToolSource | ToolProvider
  /** Maximum number of attempts at once; one that waits for an answer does not count. @defaultValue 64 */
  readonly concurrency?: number
  /** Patterns of names, such as `llm:*`: other tools are neither announced nor run. `*` stands for any text. @defaultValue all */
  readonly only?: string | readonly string[]
  /** Begins the drain. */
  readonly signal?: AbortSignal
  /** How orders are dispatched. All processes on one store use the same. @defaultValue by the store */
  readonly dispatcher?: Dispatcher
  /** How long an order stays with a worker that no longer renews it, ms: at least 1,000. @defaultValue 10,000 */
  readonly leaseMs?: number
  /** Time for running attempts to end after `signal` has aborted, ms; then they are aborted. @defaultValue 10,000 */
  readonly drainMs?: number
  /** Time for an aborted tool to settle before it is abandoned, ms, unless its execution sets one. @defaultValue 2,000 */
  readonly abortGraceMs?: number
  readonly logger?: Logger
  readonly clock?: Clock
  /** Source of jitter, 0–1. @defaultValue `Math.random` */
  readonly random?: () => number
  /** Unique among all members of the store that ever live: `[A-Za-z0-9_-]`, 1–128 characters. @defaultValue random */
  readonly workerId?: string
}

/** Checked options, all present. */
export type ResolvedWorkerOptions = Required<Omit<WorkerOptions, 'only' | 'signal' | 'dispatcher'>> & {
  readonly only: readonly string[]
  readonly signal: AbortSignal | undefined
  readonly dispatcher: Dispatcher | undefined
}

const DEFAULTS = { concurrency: 64, leaseMs: 10_000, drainMs: 10_000, abortGraceMs: 2000 } as const

/** The least lease: a shorter one would be lost by a single slow query. */
const MIN_LEASE_MS = 1000

const KNOWN = [
  'store',
  'tools',
  'only',
  'signal',
  'dispatcher',
  'logger',
  'clock',
  'random',
  'workerId',
  ...Object.keys(DEFAULTS),
]

/** The name by which a store dispatches without a `Dispatcher`. */
export const STORE_DISPATCHER = 'store' as const

/** @throws `INVALID_OPTION` */
export function resolveWorkerOptions(given: WorkerOptions): ResolvedWorkerOptions {
  for (const [name, value] of Object.entries(expectObject('options', given))) {
    if (!KNOWN.includes(name)) throw invalidOption(name, `absent: known are ${KNOWN.join(', ')}`, value)
  }
  const { store, tools, only = [], signal, dispatcher, logger = SILENT_LOGGER, clock = systemClock } = given
  const { random = Math.random, workerId = crypto.randomUUID() } = given
  const { concurrency, leaseMs, drainMs, abortGraceMs } = { ...DEFAULTS, ...withoutAbsent(given) }
  if (!isSharedStore(expectObject('store', store))) {
    const message =
      'Expected `store` to be a shared store, such as that of openPostgresStore(), got one of a single process'
    throw new DagstreamError('INVALID_OPTION', message, { details: { option: 'store' } })
  }
  expectMethods('clock', clock, CLOCK_METHODS)
  if (dispatcher !== undefined) expectMethods('dispatcher', dispatcher, ['dispatch', 'cancel', 'close'])
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw invalidOption('concurrency', 'a positive integer', concurrency)
  }
  if (!isMs(leaseMs) || leaseMs < MIN_LEASE_MS) {
    throw invalidOption('leaseMs', `a finite number of milliseconds, at least ${MIN_LEASE_MS}`, leaseMs)
  }
  for (const [name, value] of Object.entries({ drainMs, abortGraceMs })) {
    if (!isMs(value)) throw invalidOption(name, 'a finite number of milliseconds, 0 or more', value)
  }
  const patterns: readonly unknown[] = Array.isArray(only) ? only : [only]
  if (!patterns.every(pattern => typeof pattern === 'string' && pattern !== '')) {
    throw invalidOption('only', 'a pattern, or an array of patterns, such as "llm:*"', only)
  }
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw invalidOption('signal', 'an AbortSignal', signal)
  if (typeof random !== 'function') throw invalidOption('random', 'a function', random)
  if (typeof workerId !== 'string' || !/^[A-Za-z0-9_-]{1,128}$/.test(workerId)) {
    throw invalidOption('workerId', '1–128 of the characters A–Z, a–z, 0–9, _ and -', workerId)
  }
  return {
    store,
    tools,
    concurrency,
    only: patterns as readonly string[],
    signal,
    dispatcher,
    leaseMs,
    drainMs,
    abortGraceMs,
    logger: guardLogger(logger),
    clock,
    random,
    workerId,
  }
}

function isMs(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY
}

/** `undefined` counts as absent. */
function withoutAbsent<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options
}
