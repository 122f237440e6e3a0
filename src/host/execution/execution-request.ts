import type { ExecutionOptions } from '../../engine/options.ts'
import type { DAGStructure } from '../../workflow/document.ts'

/** A request for a new execution. */
export interface ExecutionRequest {
  /** Not checked yet. */
  readonly workflow: DAGStructure
  /** The document as JSON. @defaultValue written from `workflow` */
  readonly workflowJson?: string
  readonly input?: unknown
  readonly options: Pick<ExecutionOptions, 'schedule' | 'onTaskError' | 'onCrash' | 'maxConcurrency' | 'timeoutMs'>
  /** How long it may run without a follower, ms. @defaultValue that of the host */
  readonly graceMs?: number | undefined
  /** Whether the request says so: it holds also while the execution only waits for people. */
  readonly isGraceAsked?: boolean
}
