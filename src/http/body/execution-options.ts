import { describeValue } from '../../errors.ts'
import { isPriority, PRIORITY_RANGE, type ResolvedOptions } from '../../engine/options.ts'
import { parseDisconnectRule } from '../../host/execution/disconnect-policy.ts'
import type { ExecutionRequest } from '../../host/execution/execution-request.ts'
import { describeJson, isJsonObject } from '../../json/describe-json.ts'
import { toDoubles } from '../../json/replace-numbers.ts'
import { badRequest } from '../answers/problem.ts'

/** The bounds of the server, which no request may exceed. */
export type ServerBounds = Pick<ResolvedOptions, 'maxConcurrency' | 'timeoutMs'> & { readonly graceMs: number }

/** The options of a request, parsed. */
type ParsedOptions = Pick<ExecutionRequest, 'options' | 'isGraceAsked' | 'graceMs'>

/**
 * Parses the options of a request. @throws HttpProblem 400 for one that is unknown, invalid, or above the bound of the
 * server
 */
export function parseOptions(given: unknown = {}, server: ServerBounds): ParsedOptions {
  if (!isJsonObject(given)) throw badRequest(`Expected \`options\` to be an object, got ${describeJson(given)}`)
  // Options are read here only.
  const { onDisconnect, ...rest } = toDoubles(given) as Record<string, unknown>
  for (const [name, value] of Object.entries(rest)) {
    const problem = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof typeof OPTIONS](value, server) : UNKNOWN
    if (problem !== undefined) {
      throw badRequest(`Expected \`options.${name}\` to be ${problem}, got ${describeValue(value)}`, 'INVALID_OPTION')
    }
  }
  return {
    options: rest,
    isGraceAsked: onDisconnect !== undefined,
    graceMs: onDisconnect === undefined ? undefined : parseGrace(onDisconnect, server.graceMs),
  }
}

const UNKNOWN = 'absent: known are schedule, onTaskError, onCrash, maxConcurrency, priority, timeoutMs and onDisconnect'

/** The check of each option. @returns what is expected if the value is invalid */
const OPTIONS = {
  schedule: (value: unknown) => (value === 'layers' || value === 'dataflow' ? undefined : '"layers" or "dataflow"'),
  onTaskError: (value: unknown) =>
    value === 'continue' || value === 'fail-fast' ? undefined : '"continue" or "fail-fast"',
  onCrash: (value: unknown) => (value === 'resume' || value === 'fail' ? undefined : '"resume" or "fail"'),
  maxConcurrency: (value: unknown, { maxConcurrency: most }: ServerBounds) => {
    if (Number.isInteger(value) && (value as number) > 0 && (value as number) <= most) return undefined
    return most === Number.POSITIVE_INFINITY
      ? 'a positive integer'
      : `an integer from 1 to ${most}, the bound of the server`
  },
  priority: (value: unknown) => (isPriority(value) ? undefined : PRIORITY_RANGE),
  timeoutMs: (value: unknown, { timeoutMs: most }: ServerBounds) => {
    const isTime = typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY
    if (isTime && (most === 0 || (value > 0 && value <= most))) return undefined
    return most === 0
      ? 'a number of milliseconds, 0 or more'
      : `more than 0 and at most ${most} ms, the bound of the server`
  },
}

/** `"continue"` is allowed whatever the bound of the server: `Prefer: respond-async` has the same effect. */
function parseGrace(rule: unknown, most: number): number {
  let graceMs: number
  try {
    graceMs = parseDisconnectRule(rule)
  } catch (error) {
    throw badRequest((error as Error).message, 'INVALID_OPTION')
  }
  if (graceMs <= most || rule === 'continue') return graceMs
  throw badRequest(
    `Expected \`options.onDisconnect.graceMs\` to be at most ${most}, the bound of the server`,
    'INVALID_OPTION',
  )
}
