import type { LogEntry } from '../events/log-entry.ts'
import { encodeEntry } from './encode.ts'

/**
 * How an entry looks on the wire: its frames, or `''` where the vocabulary has nothing for it.
 *
 * Pure: the same entry gives the same frames to every reader. An entry that is not in the log gets no id.
 */
export type Format = (entry: LogEntry) => string

/** dagstream's own: `id:`, `event:`, `data:` with one line of JSON. */
export const defaultFormat: Format = encodeEntry
