import { isRecordUnusable } from '../../errors.ts'
import { parseRecorded, readOptions } from '../../engine/resume/recorded-options.ts'
import { checkRecorded, parseWorkflow } from '../../engine/resume/recorded-execution.ts'
import type { Parked } from '../../events/events.ts'
import type { StoredExecution } from '../../store/execution-store.ts'
import { describeUnusable } from '../../store/unfinished-status.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { collectNames } from '../../workflow/tool-names.ts'

/** The parts of a record that decide how an execution is resumed. */
export interface RecoverableRecord {
  readonly workflow: DAGStructure
  /** The execution is only ended: none of its tools is called, apart from those of `finally` tasks. */
  readonly isStopping: boolean
  /** Whether its workflow, or one that it runs, has `finally` tasks. */
  readonly hasFinally: boolean
}

/** Checks the parts of a record that need neither the log nor the checks of the workflow. @throws `RECORD_UNUSABLE` */
export function parseRecord({ workflow, input, options, isStopping, notes }: StoredExecution): RecoverableRecord {
  const document = parseWorkflow(workflow)
  if (input !== undefined) parseRecorded('input', input)
  const { onCrash } = readOptions(options)
  return {
    workflow: document,
    isStopping: isStopping === true || notes?.stop !== undefined || onCrash === 'fail',
    hasFinally: collectNames(document).hasFinally,
  }
}

/** Checks everything that a resumption reads of a record; linear in its workflow. @throws `RECORD_UNUSABLE` */
export function expectUsableRecord(stored: StoredExecution): void {
  parseRecord(stored)
  checkRecorded(stored, new ToolRegistry())
}

/**
 * Why an unfinished execution resumes only by hand, or not at all: an execution whose record is damaged counts as parked before
 * its log says so. Linear in its workflow.
 */
export function findParked(stored: StoredExecution): Parked | undefined {
  if (stored.status !== 'running' || stored.parked !== undefined) return stored.parked
  try {
    expectUsableRecord(stored)
    return undefined
  } catch (error) {
    if (isRecordUnusable(error)) return describeUnusable(error)
    throw error
  }
}
