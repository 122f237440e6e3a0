import type { ShownStatus } from '../execution/shown-status.ts'

/** Every status that an execution can have. */
export const SHOWN_STATUSES: readonly ShownStatus[] = ['running', 'parked', 'success', 'partial', 'error', 'cancelled']

/** Selects the executions of a list; all conditions must hold. */
export interface ListFilter {
  readonly status?: ShownStatus
  /** The exact name of the workflow. */
  readonly name?: string
  /** Created at or after this time; ISO 8601 in UTC with milliseconds, as `createdAt` is. */
  readonly since?: string
}

/** Describes the texts that `parseMoment` accepts. */
export const MOMENT =
  'a date and time of ISO 8601, such as 2026-01-31 or 2026-01-31T12:00:00Z, or milliseconds since 1970'

const ISO = /^(\d{4}-\d\d-(\d\d))(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)?)?$/

/** @returns the time in the format of `createdAt`, in UTC if the text has no offset; `undefined` for any other text */
export function parseMoment(text: string): string | undefined {
  const ms = /^\d{1,15}$/.test(text) ? Number(text) : parseIso(text)
  // As texts, years of five digits would sort before years of four.
  if (ms === undefined || Number.isNaN(ms) || ms < 0 || ms > Date.UTC(9999, 11, 31)) return undefined
  return new Date(ms).toISOString()
}

function parseIso(text: string): number | undefined {
  const [, date = '', day, offset] = ISO.exec(text) ?? []
  if (date === '') return undefined
  // `Date` accepts 30 February as 2 March.
  if (new Date(`${date}T00:00:00Z`).getUTCDate() !== Number(day)) return undefined
  return Date.parse(text === date || offset !== undefined ? text : `${text}Z`)
}
