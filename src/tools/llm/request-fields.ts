import { invalidOption } from '../../errors.ts'

/** Fields without which there is no answer that can be read. */
const REQUIRED: ReadonlySet<string> = new Set(['messages', 'stream'])

/** Checks options that change every request. @throws `INVALID_OPTION` */
export function checkFields({ extra = {}, omit = [] }: { extra?: unknown; omit?: unknown }): void {
  if (typeof extra !== 'object' || extra === null || Array.isArray(extra)) {
    throw invalidOption('extra', 'an object', extra)
  }
  if (!isNames(omit)) throw invalidOption('omit', 'names of fields other than `messages` and `stream`', omit)
}

/** Whether these can be left out of a request. */
export function isNames(omit: unknown): omit is readonly string[] {
  return Array.isArray(omit) && omit.every(name => typeof name === 'string' && !REQUIRED.has(name))
}
