// Checked by the compiler alone: `npm run typecheck`.
// oxlint-disable typescript/consistent-return, typescript/switch-exhaustiveness-check -- left to the compiler, on purpose
import {
  type EventFor,
  type ExecutionCompleteEvent,
  type LogEntry,
  SSE_EVENTS,
  type SSEEvent,
  type SSEEventType,
  type TaskCode,
  type TaskCompleteEvent,
  type TokenUsage,
} from '../../src/index.ts'
import type { JsonValue } from '../../src/events/json-value.ts'
import type { Equal, Expect } from './equal.ts'

/** The constants are the union, no more and no less. */
export type ConstantsAreTheUnion = Expect<Equal<(typeof SSE_EVENTS)[keyof typeof SSE_EVENTS], SSEEventType>>
export type NamesAreInCapitals = Expect<Equal<keyof typeof SSE_EVENTS, Uppercase<SSEEventType>>>
export type ConstantsAreLiterals = Expect<Equal<typeof SSE_EVENTS.TASK_START, 'task_start'>>
export type EventForPicksOne = Expect<Equal<EventFor<'task_complete'>, TaskCompleteEvent>>
export type CodesKeepTheirNames = Expect<Equal<string extends TaskCode ? true : false, true>>

/** `type` narrows `data`. */
export function narrow(event: SSEEvent): string {
  if (event.type === SSE_EVENTS.TOKEN) return event.data.text
  if (event.type === 'execution_complete') {
    event satisfies ExecutionCompleteEvent
    return event.data.status
  }
  // @ts-expect-error -- `text` belongs to tokens alone
  return String(event.data.text)
}

/** `type` narrows the data of a log entry, too; destructured as well. */
export function narrowEntry(entry: LogEntry): string | JsonValue | undefined {
  const { type, data } = entry
  if (type === 'token') return data.text
  if (type === 'task_complete') return data.output
  // @ts-expect-error -- `text` belongs to tokens alone
  return String(entry.data.text)
}

/** A switch over every type compiles without a default. */
export function describe(event: SSEEvent): string {
  switch (event.type) {
    case 'execution_start':
      return event.data.layers.flat().join()
    case 'task_start':
      return event.data.tool
    case 'task_progress':
      return `${event.data.progress} of ${event.data.total ?? '?'}`
    case 'token':
      return event.data.text
    case 'info':
      return event.data.level
    case 'metrics':
      return event.data.ttftMs.toFixed()
    case 'token_usage':
      return event.data.tokenUsage.totalTokensIn.toFixed()
    case 'task_retry':
      return event.data.delayMs.toFixed()
    case 'task_complete':
      return event.data.status
    case 'tasks_stopping':
      return event.data.phase
    case 'tasks_added':
      return event.data.tasks.map(({ taskId }) => taskId).join()
    case 'tasks_removed':
      return event.data.taskIds.join()
    case 'plan_rejected':
      return event.data.line.toFixed()
    case 'plan_sealed':
      return event.data.totalTasks.toFixed()
    case 'input_required':
      return event.data.message
    case 'input_resolved':
      return event.data.outcome
    case 'execution_stopping':
      return event.data.message
    case 'execution_handed_off':
      return event.data.executionId
    case 'execution_resumed':
      return event.data.cause
    case 'execution_parked':
      return event.data.tasks.join()
    case 'execution_complete':
      return event.data.speedup.toFixed()
    case 'error':
      return event.data.error
    case 'snapshot':
      return event.data.seq.toFixed()
  }
}

/** One that forgets a type does not. */
// @ts-expect-error -- lacks an ending for all other types
export function forget(event: SSEEvent): string {
  switch (event.type) {
    case 'token':
      return event.data.text
  }
}

// @ts-expect-error -- there is no such type
export const unknownType: SSEEventType = 'task_begin'

// @ts-expect-error -- every data has an executionId and a timestamp
export const incomplete: SSEEvent = { type: 'token', data: { taskId: 'a', attempt: 1, text: 't' } }

export function readOnly(event: TaskCompleteEvent, usage: TokenUsage): void {
  // @ts-expect-error -- events are not for changing
  event.data.status = 'success'
  // @ts-expect-error -- nor is usage
  usage.totalTokensIn = 1
}
