import { DagstreamError } from '../errors.ts'
import type { IssueList } from '../workflow/issues.ts'

/** The error for a workflow with problems. */
export function invalidWorkflow({ issues, count }: IssueList): DagstreamError {
  const first = issues[0]
  const rest = count > 1 ? ` (and ${count - 1} more: see \`details.issues\`)` : ''
  return new DagstreamError('INVALID_WORKFLOW', `${first?.code} at \`${first?.pointer}\`: ${first?.message}${rest}`, {
    details: { issues, issueCount: count },
  })
}
