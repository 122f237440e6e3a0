import type { SSEEvent } from '../events/events.ts'
import { encode } from './encode.ts'
import { toJobFrames } from './job.ts'

/**
 * Encodes an event for the wire: its frames, or `''` if the vocabulary has no counterpart.
 *
 * Pure: the same event yields the same frames for every reader.
 */
export type Format = (event: SSEEvent) => string

/** dagstream's own: `id:`, `event:`, `data:` with one line of JSON. */
export const defaultFormat: Format = encode

/** The formats that a client can request, by name. */
export const formats: Readonly<Record<'default' | 'job', Format>> = Object.freeze({
  default: defaultFormat,
  job: toJobFrames,
})
