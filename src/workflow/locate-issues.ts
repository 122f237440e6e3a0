import { DagstreamError } from '../errors.ts'
import { locate } from '../json/locate.ts'
import { parsePointer } from '../tools/json-pointer.ts'
import type { WorkflowIssue } from './document.ts'
import { isAboutKey } from './issues.ts'

/** The JSON text of a workflow, of its input, or of both. */
export interface WorkflowText {
  readonly text: string
  /** Path of the workflow in the text; `null` if it is not there. @defaultValue the whole text */
  readonly path?: readonly string[] | null
  /** Path of the input in the text. @defaultValue it is not there */
  readonly inputPath?: readonly string[]
}

/**
 * Adds `line` and `column` to issues that have none and whose document or input is in the text. Scans the text once, and not
 * at all without such issues.
 * @param isOfKey whether an issue is about the key that its pointer leads to
 */
export function locateIssues(
  issues: readonly WorkflowIssue[],
  { text, path = [], inputPath }: WorkflowText,
  isOfKey: (issue: WorkflowIssue) => boolean = isAboutKey,
): readonly WorkflowIssue[] {
  const places = new Map<WorkflowIssue, { readonly path: readonly string[]; readonly isKey: boolean }>()
  for (const issue of issues) {
    const base = issue.in === undefined ? path : issue.in === 'input' ? inputPath : undefined
    if (issue.line !== undefined || !base) continue
    places.set(issue, { path: [...base, ...parsePointer(issue.pointer)], isKey: isOfKey(issue) })
  }
  if (places.size === 0) return issues
  const found = locate(text, [...places.values()])
  const positions = new Map(Array.from(places.keys(), (issue, at) => [issue, found[at]]))
  return issues.map(issue => ({ ...issue, ...positions.get(issue) }))
}

/** Adds `line` and `column` to the issues of an `INVALID_WORKFLOW`. @returns any other error itself */
export function locateErrorIssues(error: unknown, source: WorkflowText): unknown {
  if (!(error instanceof DagstreamError) || error.code !== 'INVALID_WORKFLOW') return error
  const { code, message, cause, details } = error
  const issues = locateIssues(details['issues'] as readonly WorkflowIssue[], source)
  return new DagstreamError(code, message, { details: { ...details, issues }, cause })
}
