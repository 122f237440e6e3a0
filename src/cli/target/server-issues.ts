import { DagstreamError } from '../../errors.ts'
import { locate } from '../../json/locate.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { parsePointer } from '../../tools/json-pointer.ts'
import type { WorkflowIssue } from '../../workflow/document.ts'
import { locateIssues } from '../../workflow/locate-issues.ts'
import type { Source } from '../input/read-workflow.ts'

/**
 * The issues of a workflow that a server refused, without their positions, which are of the body that was sent. `undefined` for
 * any other error, and for issues of an unknown shape.
 */
export function findServerIssues(error: unknown): WorkflowIssue[] | undefined {
  const listed = readIssues(error).map(({ code, pointer, message, hint, in: part }): WorkflowIssue => {
    const place = part === 'input' || part === 'document' ? { code, pointer, in: part } : { code, pointer }
    return hint === undefined ? { ...place, message } : { ...place, message, hint }
  })
  return listed.length === 0 ? undefined : listed
}

/**
 * Positions the issues of a refusal in the document that was read.
 * @returns an `INVALID_WORKFLOW`; any other error itself
 */
export function locateServerIssues(error: unknown, { value, text }: Source): unknown {
  const listed = findServerIssues(error)
  if (listed === undefined) return error
  const { message, details, cause } = error as DagstreamError
  const keyColumns = findKeyColumns(value, listed)
  const aboutKeys = new Set(listed.filter((_, index) => readIssues(error)[index]?.column === keyColumns[index]))
  const issues = locateIssues(listed, { text }, issue => aboutKeys.has(issue))
  return new DagstreamError('INVALID_WORKFLOW', message, { details: { ...details, issues }, cause })
}

/** Columns of the keys in the body that was sent, one line that begins like this one. */
function findKeyColumns(workflow: unknown, issues: readonly WorkflowIssue[]): number[] {
  const places = issues.map(({ pointer }) => ({ path: ['workflow', ...parsePointer(pointer)], isKey: true }))
  return locate(stringifyJson({ workflow }), places).map(({ column }) => column)
}

function readIssues(error: unknown): WorkflowIssue[] {
  if (!(error instanceof DagstreamError) || error.code !== 'HTTP_ERROR' || error.details['status'] !== 422) return []
  const { issues } = error.details
  return (Array.isArray(issues) ? issues : []).filter(isIssue)
}

/** Validates the shape of a server's issue. */
function isIssue(value: unknown): value is WorkflowIssue {
  const { code, pointer, message, hint = '' } = (value ?? {}) as Record<string, unknown>
  return [code, pointer, message, hint].every(each => typeof each === 'string')
}
