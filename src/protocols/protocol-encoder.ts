import type { EventFor, SSEEvent } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'

/** An event as the reducer takes it. Inside the engine an output is a `JsonValue`. */
export type ProtocolEvent = Pick<SSEEvent, 'type' | 'data'>

/** The event of one type. */
export type ProtocolEventFor<Type extends SSEEvent['type']> = Pick<EventFor<Type>, 'type' | 'data'>

/** Turns the entries of one execution, in order and from the first one, into the frames of another protocol. */
export interface ProtocolEncoder {
  /** The frames of entries that arrived together, joined where clients need no more than the last state. */
  encode(entries: readonly LogEntry[]): string
  /** Called when all entries were encoded and the execution waits only for people. @returns the last frames, or `''` */
  pause(): string
  /** Whether the last frame of the protocol was returned: nothing follows. */
  readonly isOver: boolean
}
