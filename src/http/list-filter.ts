import { badRequest } from './problem.ts'
import type { ShownStatus } from './shown-status.ts'

/** How an execution can stand. */
export const SHOWN_STATUSES: readonly ShownStatus[] = ['running', 'parked', 'success', 'partial', 'error', 'cancelled']

/** Which executions a list has; all of what is given must hold. */
export interface ListFilter {
  readonly status?: ShownStatus
  /** The name of the workflow, exactly. */
  readonly name?: string
  /** Created then or later; ISO 8601 in UTC with milliseconds, as `createdAt` is. */
  readonly since?: string
}

/** @throws HttpProblem 400 */
export function parseListFilter(query: URLSearchParams): ListFilter {
  for (const name of ['status', 'name', 'since']) {
    if (query.getAll(name).length > 1) throw badRequest(`Expected one \`${name}\`, got ${query.getAll(name).length}`)
  }
  const [status, name, since] = ['status', 'name', 'since'].map(each => query.get(each))
  const known = SHOWN_STATUSES.find(each => each === status)
  if (status !== null && known === undefined) {
    throw badRequest(`Expected \`status\` to be one of ${SHOWN_STATUSES.join(', ')}`)
  }
  const moment = since === null || since === undefined ? undefined : parseMoment(since)
  if (typeof since === 'string' && moment === undefined) throw badRequest(`Expected \`since\` to be ${MOMENT}`)
  return {
    ...(known !== undefined && { status: known }),
    ...(typeof name === 'string' && { name }),
    ...(moment !== undefined && { since: moment }),
  }
}

/** What `parseMoment` takes. */
export const MOMENT =
  'a date and time of ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00Z, or milliseconds since 1970'

const ISO = /^(\d{4}-\d\d-(\d\d))(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/

/** @returns the moment as `createdAt` would have it, in UTC where the text names no offset; `undefined` for anything else */
export function parseMoment(text: string): string | undefined {
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : parseIso(text)
  // Years of five digits would be sorted as texts before those of four.
  if (ms === undefined || Number.isNaN(ms) || ms < 0 || ms > Date.UTC(9999, 11, 31)) return undefined
  return new Date(ms).toISOString()
}

function parseIso(text: string): number | undefined {
  const [, date = '', day, offset] = ISO.exec(text) ?? []
  if (date === '') return undefined
  // `Date` takes 30 February for 2 March.
  if (new Date(`${date}T00:00:00Z`).getUTCDate() !== Number(day)) return undefined
  return Date.parse(text === date || offset !== undefined ? text : `${text}Z`)
}
