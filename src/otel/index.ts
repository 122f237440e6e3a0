// The public entry of `dagstream/otel`; nothing inside imports it.
export { createOtelObserver, type OtelObserverOptions } from './otel-observer.ts'
export type { EntryObserver, ExecutionObserver } from '../engine/observers/execution-observer.ts'
