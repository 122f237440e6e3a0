import type { Stop } from '../events/events.ts'

/** Outcome of an attempt whose process ended. */
export const INTERRUPTED: Stop & { readonly code: string } = {
  code: 'INTERRUPTED',
  message: 'The process that ran it ended',
}
