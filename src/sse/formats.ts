import type { SSEEvent } from '../events/events.ts'
import { encode } from './encode.ts'

/**
 * How an event looks on the wire: its frames, or `''` where the vocabulary has nothing for it.
 *
 * Pure: the same event gives the same frames to every reader.
 */
export type Format = (event: SSEEvent) => string

/** dagstream's own: `id:`, `event:`, `data:` with one line of JSON. */
export const defaultFormat: Format = encode
