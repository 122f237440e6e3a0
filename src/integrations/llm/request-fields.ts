import { invalidOption } from '../../errors.ts'

/** Fields required for a readable answer. */
const REQUIRED: ReadonlySet<string> = new Set(['messages', 'stream'])

/** Validates options that change every request. @throws `INVALID_OPTION` */
export function checkFields({ extra = {}, omit = [] }: { extra?: unknown; omit?: unknown }): void {
  if (typeof extra !== 'object' || extra === null || Array.isArray(extra)) {
    throw invalidOption('extra', 'an object', extra)
  }
  if (!isNames(omit)) throw invalidOption('omit', 'names of fields other than `messages` and `stream`', omit)
}

/** Whether a value lists fields that may be omitted. */
export function isNames(omit: unknown): omit is readonly string[] {
  return Array.isArray(omit) && omit.every(name => typeof name === 'string' && !REQUIRED.has(name))
}
