import type { RecordedOptions } from '../../engine/resume/recorded-options.ts'
import type { ForkSource } from '../../engine/reuse/takeover.ts'
import type { NewPlan } from '../plans/planner.ts'
import type { DAGStructure } from '../../workflow/document.ts'

/** A request for a new execution. */
export interface ExecutionRequest {
  /** Not checked yet. */
  readonly workflow: DAGStructure
  /** The document as JSON. @defaultValue written from `workflow` */
  readonly workflowJson?: string
  readonly input?: unknown
  readonly options: Omit<RecordedOptions, 'graceMs' | 'isGraceAsked'>
  /** How long it may run without a follower, ms. @defaultValue that of the host */
  readonly graceMs?: number | undefined
  /** Whether the document is that of a record, which holds the registered workflows that it names. */
  readonly isRecorded?: boolean
  /** Of a fork: what it takes its outputs from. */
  readonly fork?: ForkSource
  /** Of a plan that is still being written: the document has no tasks. */
  readonly plan?: NewPlan
  /** Whether the request says so: it holds also while the execution only waits for people. */
  readonly isGraceAsked?: boolean
  /** W3C `traceparent` of the request: the parent of the execution's trace. */
  readonly traceparent?: string
}
