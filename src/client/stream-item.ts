import { parseEventId, SSE_EVENTS } from '../events/events.ts'
import { readField } from './failures.ts'

/**
 * Position of an item in its stream. `"final"`: nothing follows; `"open"`: more must follow; `"fault"`: the execution was
 * interrupted and can be resumed; `"retry"`: a model's provider failed and may be retried; `"unknown"`: an item of another
 * vocabulary, which implies nothing.
 */
export type ItemKind = 'final' | 'open' | 'fault' | 'retry' | 'unknown'

const OPEN_TYPES: ReadonlySet<unknown> = new Set([
  ...Object.values(SSE_EVENTS).filter(type => type !== 'execution_complete' && type !== 'error'),
  // A provider's.
  'content',
  'usage',
])

const FINAL_STATUSES: ReadonlySet<unknown> = new Set(['success', 'partial', 'error', 'cancelled'])

/** Classifies dagstream's events and those of a model's provider. */
export function classifyItem(item: unknown): ItemKind {
  const type = readField(item, 'type')
  if (type === 'execution_complete' || type === 'done') return 'final'
  if (type === 'error') {
    // Only a provider reports whether a retry is useful.
    const retryable = readField(readField(item, 'data'), 'retryable')
    return typeof retryable === 'boolean' ? (retryable ? 'retry' : 'final') : 'fault'
  }
  // The state of a finished execution covers its last event.
  if (type === 'snapshot' && FINAL_STATUSES.has(readField(readField(item, 'data'), 'status'))) return 'final'
  return OPEN_TYPES.has(type) ? 'open' : 'unknown'
}

/** The id to resume from after an item, if it has one. A provider's `eventId` does not count: its stream cannot be resumed. */
export function findItemId(item: unknown): string | undefined {
  const id = readField(item, 'id')
  return typeof id === 'string' && id !== '' ? id : undefined
}

/** Whether an event is a duplicate: its sequence number does not exceed the last one of the same execution. */
export function isRepeated(id: string | undefined, lastEventId: string | undefined): boolean {
  if (id === undefined || lastEventId === undefined) return false
  const place = parseEventId(id)
  const last = parseEventId(lastEventId)
  if (place === undefined || last === undefined) return false
  return place.executionId === last.executionId && place.seq <= last.seq
}
