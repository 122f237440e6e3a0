import { invalidOption, recordUnusable } from '../../errors.ts'
import { isJsonObject } from '../../json/describe-json.ts'
import { parseJson } from '../../json/parse-json.ts'
import { type ResolvedPlanOptions, resolvePlanOptions } from '../growth/plan-options.ts'
import {
  DEFAULT_OPTIONS,
  type ExecutionOptions,
  isAtLeastZero,
  type ResolvedOptions,
  resolveOptions,
} from '../options.ts'

/** The options that an execution keeps across processes. */
const RECORDED = [
  'schedule',
  'maxConcurrency',
  'onTaskError',
  'onCrash',
  'timeoutMs',
  'taskTimeoutMs',
  'abortGraceMs',
  'maxTokens',
  'maxCost',
] as const

/** Recorded only where they differ from their defaults: records of earlier versions do not have them. */
const RECORDED_IF_GIVEN = ['finallyTimeoutMs', 'maxItems', 'priority'] as const

/** The options in the record of an execution. */
export type RecordedOptions = Pick<ExecutionOptions, (typeof RECORDED | typeof RECORDED_IF_GIVEN)[number]> & {
  /** Time without subscribers after which a server cancels the execution, ms. */
  readonly graceMs?: number
  /** Whether its request asked for that. */
  readonly isGraceAsked?: boolean
}

/** The origin of a fork. */
export interface ForkedFrom {
  readonly executionId: string
  readonly from: readonly string[]
}

/** The fields of a record beside the options of an execution. */
export interface RecordedExtras {
  readonly graceMs?: number | undefined
  readonly isGraceAsked?: boolean | undefined
  readonly forkedFrom?: ForkedFrom | undefined
  readonly streamed?: ResolvedPlanOptions | undefined
  /** W3C `traceparent` of the execution. */
  readonly traceparent?: string | undefined
}

/** Serializes options as JSON, `Infinity` as `null`. */
export function writeOptions(
  options: ResolvedOptions,
  { graceMs, isGraceAsked = false, forkedFrom, traceparent, streamed }: RecordedExtras = {},
): string {
  const given = RECORDED_IF_GIVEN.filter(name => options[name] !== DEFAULT_OPTIONS[name])
  const recorded = Object.fromEntries([...RECORDED, ...given].map(name => [name, options[name]]))
  const grace = graceMs !== undefined && { graceMs, ...(isGraceAsked && { isGraceAsked }) }
  const more = {
    ...(forkedFrom && { forkedFrom }),
    ...(traceparent !== undefined && { traceparent }),
    ...(streamed && { plan: streamed }),
  }
  return JSON.stringify({ ...recorded, ...grace, ...more })
}

/** Parses the text of `writeOptions`; unknown options of later versions are ignored. @throws `RECORD_UNUSABLE` */
export function readOptions(text: string | undefined): RecordedOptions {
  if (text === undefined) return {}
  const recorded = parseRecorded('options', text)
  if (!isJsonObject(recorded)) throw recordUnusable('The recorded `options` of an execution are not an object')
  const known = [...RECORDED, ...RECORDED_IF_GIVEN, 'graceMs'].filter(name => Object.hasOwn(recorded, name))
  const { graceMs, ...options } = Object.fromEntries(
    known.map(name => [name, recorded[name] ?? Number.POSITIVE_INFINITY]),
  )
  try {
    resolveOptions(options)
    if (graceMs === undefined) return options
    return { ...options, graceMs: parseGrace(graceMs), isGraceAsked: recorded['isGraceAsked'] === true }
  } catch (error) {
    throw recordUnusable('The recorded `options` of an execution are invalid', error)
  }
}

/** What a fork was made from; `undefined` for an execution that is none. @throws `RECORD_UNUSABLE` */
export function readForkedFrom(text: string | undefined): ForkedFrom | undefined {
  if (text === undefined || !text.includes('"forkedFrom"')) return undefined
  const { forkedFrom } = (parseRecorded('options', text) ?? {}) as { readonly forkedFrom?: Partial<ForkedFrom> }
  if (forkedFrom === undefined) return undefined
  const { executionId, from } = forkedFrom
  const isList = Array.isArray(from) && from.every(id => typeof id === 'string')
  if (typeof executionId === 'string' && isList) return { executionId, from }
  throw recordUnusable('The `options` that the store has of a fork do not say what it was made from')
}

/** The options of a streamed plan; `undefined` for any other execution. @throws `RECORD_UNUSABLE` */
export function readPlanOptions(text: string | undefined): ResolvedPlanOptions | undefined {
  if (text === undefined || !text.includes('"plan"')) return undefined
  const { plan } = (parseRecorded('options', text) ?? {}) as { readonly plan?: Partial<ResolvedPlanOptions> }
  if (!isJsonObject(plan)) return undefined
  try {
    const { firstLine = 0 } = plan
    return resolvePlanOptions(Number.isSafeInteger(firstLine) && firstLine > 0 ? firstLine : 0, plan)
  } catch (error) {
    throw recordUnusable('The recorded `options` of a streamed plan are invalid', error)
  }
}

/** The `traceparent` that an execution was recorded with; `undefined` if it had no trace. @throws `RECORD_UNUSABLE` */
export function readTraceparent(text: string | undefined): string | undefined {
  if (text === undefined || !text.includes('"traceparent"')) return undefined
  const { traceparent } = (parseRecorded('options', text) ?? {}) as { readonly traceparent?: unknown }
  return typeof traceparent === 'string' ? traceparent : undefined
}

function parseGrace(graceMs: unknown): number {
  if (isAtLeastZero(graceMs)) return graceMs
  throw invalidOption('graceMs', 'a number of milliseconds, 0 or more', graceMs)
}

/** @throws `RECORD_UNUSABLE` for a text that is not JSON */
export function parseRecorded(what: 'workflow' | 'input' | 'options', text: string): unknown {
  try {
    return parseJson(text)
  } catch (error) {
    throw recordUnusable(`The recorded \`${what}\` of an execution is not JSON`, error)
  }
}
