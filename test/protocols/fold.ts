import type { SSEEvent } from '../../src/index.ts'
import { parseEventId } from '../../src/events/events.ts'
import { createState, type ExecutionState } from '../../src/events/execution-state.ts'
import { LogEntry, NOT_LOGGED } from '../../src/events/log-entry.ts'
import { JsonValue } from '../../src/events/json-value.ts'
import { applyEvent } from '../../src/events/state.ts'

/** What `translate` makes of each event with the state after it. */
export function translateAll<Part>(
  events: readonly SSEEvent[],
  translate: (event: SSEEvent, state: ExecutionState) => readonly Part[],
): Part[] {
  const state = createState('x')
  return events.flatMap(event => {
    applyEvent(state, event, event.id === undefined ? -1 : (parseEventId(event.id)?.seq ?? -1))
    return translate(event, state)
  })
}

/** Events as the log has them. */
export function toEntries(events: readonly SSEEvent[]): LogEntry[] {
  return events.map(({ type, data, id }) => {
    const seq = id === undefined ? NOT_LOGGED : (parseEventId(id)?.seq ?? NOT_LOGGED)
    const logged =
      'output' in data && data.output !== undefined ? { ...data, output: JsonValue.from(data.output) } : data
    return new LogEntry(seq, type, logged)
  })
}
