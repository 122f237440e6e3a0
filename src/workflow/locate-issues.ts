import { DagstreamError } from '../errors.ts'
import { locate } from '../json/locate.ts'
import { parsePointer } from '../tools/json-pointer.ts'
import type { WorkflowIssue } from './document.ts'
import { isAboutKey } from './issues.ts'

/** The JSON text of a workflow. */
export interface WorkflowText {
  readonly text: string
  /** Path of the workflow in the text. @defaultValue the whole text */
  readonly path?: readonly string[]
  /** Path of the input in the text. @defaultValue it is not there, and its issues get no position */
  readonly inputPath?: readonly string[]
}

/**
 * Adds `line` and `column` to issues that have none. Scans the text once, and not at all without issues.
 * @param isOfKey whether an issue is about the key that its pointer leads to
 */
export function locateIssues(
  issues: readonly WorkflowIssue[],
  { text, path = [], inputPath }: WorkflowText,
  isOfKey: (issue: WorkflowIssue) => boolean = isAboutKey,
): readonly WorkflowIssue[] {
  const open = issues.filter(issue => issue.line === undefined && (issue.in === undefined || inputPath !== undefined))
  if (open.length === 0) return issues
  const places = open.map(issue => {
    const base = issue.in === undefined ? path : (inputPath ?? [])
    return { path: [...base, ...parsePointer(issue.pointer)], isKey: isOfKey(issue) }
  })
  const positions = new Map(locate(text, places).map((position, index) => [open[index], position]))
  return issues.map(issue => ({ ...issue, ...positions.get(issue) }))
}

/** Adds `line` and `column` to the issues of an `INVALID_WORKFLOW`. @returns any other error itself */
export function locateErrorIssues(error: unknown, source: WorkflowText): unknown {
  if (!(error instanceof DagstreamError) || error.code !== 'INVALID_WORKFLOW') return error
  const { code, message, cause, details } = error
  const issues = locateIssues(details['issues'] as readonly WorkflowIssue[], source)
  return new DagstreamError(code, message, { details: { ...details, issues }, cause })
}
