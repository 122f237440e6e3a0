import type { Stop } from '../events/events.ts'

/** How an attempt ends whose process ended before it did. */
export const INTERRUPTED: Stop & { readonly code: string } = {
  code: 'INTERRUPTED',
  message: 'The process that ran it ended',
}
