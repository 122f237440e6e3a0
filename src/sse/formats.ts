import type { SSEEvent } from '../events/events.ts'
import { encode } from './encode.ts'
import { toJobFrames } from './job.ts'

/**
 * How an event looks on the wire: its frames, or `''` where the vocabulary has nothing for it.
 *
 * Pure: the same event gives the same frames to every reader.
 */
export type Format = (event: SSEEvent) => string

/** dagstream's own: `id:`, `event:`, `data:` with one line of JSON. */
export const defaultFormat: Format = encode

/** The formats that a client can ask for, by the name that it asks with. */
export const formats: Readonly<Record<'default' | 'job', Format>> = Object.freeze({
  default: defaultFormat,
  job: toJobFrames,
})
