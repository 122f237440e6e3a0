/** `dagstream/ag-ui`: the events of an execution as the events of AG-UI 1.0. */
export { toAgUiEvents } from './to-ag-ui-events.ts'
export { toAgUiInterrupt } from './run-events.ts'
export type {
  AgUiEvent,
  AgUiInterrupt,
  AgUiMessage,
  AgUiOptions,
  AgUiOutcome,
  AgUiPatch,
  AgUiUsage,
} from './ag-ui-event.ts'
export { findOutputTask } from '../answer-task.ts'
export { MAX_SHOWN_TASKS } from '../shown-tasks.ts'
export type { ProtocolOptions } from '../options.ts'
export type { ProtocolEvent } from '../protocol-encoder.ts'
