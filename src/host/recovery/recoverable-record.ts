import { DagstreamError } from '../../errors.ts'
import { compileRecorded } from '../../engine/resume/recorded-plan.ts'
import { parseRecorded, readOptions } from '../../engine/resume/recorded-options.ts'
import type { StoredExecution } from '../../store/execution-store.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import { collectNames } from '../../workflow/tool-names.ts'

/** The parts of a record that decide how an execution is resumed. */
export interface RecoverableRecord {
  readonly workflow: unknown
  /** The execution is only ended: none of its tools is called, apart from those of `finally` tasks. */
  readonly isStopping: boolean
  /** Whether its workflow, or one that it runs, has `finally` tasks. */
  readonly hasFinally: boolean
}

/** Checks the parts of a record that need neither the log nor a compilation. @throws `RECORD_UNUSABLE` */
export function parseRecord({ workflow, input, options, isStopping, notes }: StoredExecution): RecoverableRecord {
  return asRecordFault(() => {
    const document = parseRecorded('workflow', workflow ?? 'null')
    if (!hasTools(document)) throw recordUnusable('The `workflow` that the store has of an execution is none')
    if (input !== undefined) parseRecorded('input', input)
    const { onCrash } = readOptions(options)
    return {
      workflow: document,
      isStopping: isStopping === true || notes?.stop !== undefined || onCrash === 'fail',
      hasFinally: collectNames(document).hasFinally,
    }
  })
}

/** Checks everything that a resumption reads of a record; it compiles the workflow. @throws `RECORD_UNUSABLE` */
export function expectUsableRecord(stored: StoredExecution): void {
  parseRecord(stored)
  asRecordFault(() => compileRecorded(stored, new ToolRegistry()))
}

/** Whether the record of an execution allows more than its deletion; it compiles the workflow. */
export function isRecordUsable(stored: StoredExecution): boolean {
  try {
    expectUsableRecord(stored)
    return true
  } catch (error) {
    if (isRecordUnusable(error)) return false
    throw error
  }
}

/** Time does not mend a record. */
export function recordUnusable(fault: string): DagstreamError {
  return new DagstreamError('RECORD_UNUSABLE', `${fault}: the execution can be deleted, and nothing else`)
}

export function isRecordUnusable(error: unknown): error is DagstreamError {
  return error instanceof DagstreamError && error.code === 'RECORD_UNUSABLE'
}

/** A workflow that does not pass its checks is a fault of the record; any other error stays as it is. */
export function toRecordFault(error: unknown): unknown {
  const isInvalid = error instanceof DagstreamError && error.code === 'INVALID_WORKFLOW'
  return isInvalid
    ? recordUnusable('The `workflow` that the store has of an execution does not pass its checks')
    : error
}

/** Runs a reader of the record alone: each of its errors is a fault of the record. */
function asRecordFault<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof DagstreamError) || error.code === 'RECORD_UNUSABLE') throw error
    throw error.code === 'INVALID_WORKFLOW' ? toRecordFault(error) : recordUnusable(error.message)
  }
}

/** The part that a lookup of tools reads; the compilation checks the rest. */
function hasTools(document: unknown): boolean {
  const { tasks } = (document ?? {}) as { readonly tasks?: unknown }
  return Array.isArray(tasks) && tasks.every(namesTool)
}

/** Whether a task names a tool, or runs a workflow. */
function namesTool(task: unknown): boolean {
  const { tool, workflow } = (task ?? {}) as { readonly tool?: unknown; readonly workflow?: unknown }
  return typeof tool === 'string' || typeof workflow === 'string' || (typeof workflow === 'object' && workflow !== null)
}
