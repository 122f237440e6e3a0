import type { ExecutionLoop } from '../execution-loop.ts'
import type { ResolvedOptions } from '../options.ts'
import { findOutcome, type ObservedRecord, ObserverHub } from './observer-hub.ts'

type ObservingOptions = Pick<ResolvedOptions, 'observers' | 'clock' | 'logger'>

/** Begins the observation of an execution of an executor by the observers of its options. */
export interface LaunchObservation {
  /** W3C `traceparent` of the execution, for its record. */
  readonly traceparent: string | undefined
  /** Call it before the first entry. */
  readonly follow: (loop: ExecutionLoop) => void
}

/** @param parent W3C `traceparent` of the caller @returns `undefined` if nobody observes */
export function observeLaunch(
  { observers, clock, logger }: ObservingOptions,
  record: ObservedRecord,
  name: string | undefined,
  parent: string | undefined,
): LaunchObservation | undefined {
  if (observers.length === 0) return undefined
  const hub = new ObserverHub(observers, clock, logger)
  const begun = hub.begin(record, name, parent)
  return {
    traceparent: begun.traceparent,
    follow(loop) {
      hub.observe(record, loop, name, { begun })
      endWith(hub, loop)
    },
  }
}

/** Observes an execution that an executor resumes. Call it before the first new entry. */
export function observeResumed(
  { observers, clock, logger }: ObservingOptions,
  record: Parameters<ObserverHub['observeResumed']>[0],
  loop: ExecutionLoop,
): void {
  if (observers.length === 0) return
  const hub = new ObserverHub(observers, clock, logger)
  hub.observeResumed(record, loop)
  endWith(hub, loop)
}

function endWith(hub: ObserverHub, loop: ExecutionLoop): void {
  const { executionId } = loop
  loop.ended.then(
    () => hub.end(executionId, findOutcome(loop)),
    (error: unknown) => hub.end(executionId, findOutcome(loop, error)),
  )
}
