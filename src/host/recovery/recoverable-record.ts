import { DagstreamError } from '../../errors.ts'
import { parseRecorded, readOptions } from '../../engine/recorded-options.ts'
import type { StoredExecution } from '../../store/execution-store.ts'
import { conflict, HttpProblem } from '../../http/answers/problem.ts'

/** What is to be gone on with, as a process before this one recorded it. */
export interface LeftRequest {
  readonly workflow: unknown
  /** It is only ended: none of its tools is called. */
  readonly isStopping: boolean
}

/** What is found out without its log. @throws HttpProblem 409 `RECORD_UNUSABLE` */
export function readLeft({ workflow, input, options, isStopping, notes }: StoredExecution): LeftRequest {
  try {
    const document = parseRecorded('workflow', workflow ?? 'null')
    if (!hasTools(document)) throw recordUnusable('The `workflow` that the store has of an execution is none')
    if (input !== undefined) parseRecorded('input', input)
    const { onCrash } = readOptions(options)
    return { workflow: document, isStopping: isStopping === true || notes?.stop !== undefined || onCrash === 'fail' }
  } catch (error) {
    throw error instanceof DagstreamError ? recordUnusable(error.message) : error
  }
}

/** Nothing can be done with it, and time mends nothing: 409. */
export function recordUnusable(fault: string): HttpProblem {
  return conflict(`${fault}: the execution can be deleted, and nothing else`, 'RECORD_UNUSABLE')
}

export function isRecordUnusable(error: unknown): error is HttpProblem {
  return error instanceof HttpProblem && error.details['code'] === 'RECORD_UNUSABLE'
}

/** As much as whoever looks for its tools goes by; all else is checked when it is made ready. */
function hasTools(document: unknown): boolean {
  const { tasks } = (document ?? {}) as { readonly tasks?: unknown }
  return Array.isArray(tasks) && tasks.every(task => typeof (task as { tool?: unknown } | null)?.tool === 'string')
}
