import { invalidOption, recordUnusable } from '../../errors.ts'
import { isJsonObject } from '../../json/describe-json.ts'
import { parseJson } from '../../json/parse-json.ts'
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
const RECORDED_IF_GIVEN = ['finallyTimeoutMs', 'maxItems'] as const

/** The options in the record of an execution. */
export type RecordedOptions = Pick<ExecutionOptions, (typeof RECORDED | typeof RECORDED_IF_GIVEN)[number]> & {
  /** Time without subscribers after which a server cancels the execution, ms. */
  readonly graceMs?: number
  /** Whether its request asked for that. */
  readonly isGraceAsked?: boolean
}

/** Serializes options as JSON, `Infinity` as `null`. */
export function writeOptions(options: ResolvedOptions, graceMs?: number, isGraceAsked = false): string {
  const given = RECORDED_IF_GIVEN.filter(name => options[name] !== DEFAULT_OPTIONS[name])
  const recorded = Object.fromEntries([...RECORDED, ...given].map(name => [name, options[name]]))
  if (graceMs === undefined) return JSON.stringify(recorded)
  return JSON.stringify({ ...recorded, graceMs, ...(isGraceAsked && { isGraceAsked }) })
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
