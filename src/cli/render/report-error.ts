import { describeCause } from '../../client/describe-cause.ts'
import { DagstreamError } from '../../errors.ts'
import type { WorkflowIssue } from '../../workflow/document.ts'
import { type CommandContext, type ExitCode, HintedError, UsageError } from '../process/console.ts'
import { findServerIssues } from '../target/server-issues.ts'
import { renderIssues } from './issue-lines.ts'
import { toPlainLine } from './text.ts'

/** HTTP statuses that blame the input: the workflow, an option, or their size. */
const INVALID_INPUT: ReadonlySet<unknown> = new Set([400, 413, 415, 422])

/** Prints an error for people, never with a stack. */
export async function reportError(error: unknown, context: CommandContext): Promise<ExitCode> {
  const { stderr, colors } = context
  if (error instanceof HintedError) {
    const code = await reportError(error.cause, context)
    await stderr.write(`${error.hint}\n`)
    return code
  }
  const issues = findIssues(error)
  if (issues !== undefined && issues.listed.length > 0) {
    await stderr.write(renderIssues(issues.listed, issues.count, colors))
    return 2
  }
  await stderr.write(`${colors.red('error')} ${toPlainLine(describe(error))}\n`)
  if (isUnauthorized(error)) await stderr.write('Give --token, or set DAGSTREAM_TOKEN\n')
  return isInvalidInput(error) ? 2 : 1
}

/** The issues of a rejected workflow, found locally or by a server. */
function findIssues(error: unknown): { listed: WorkflowIssue[]; count: number } | undefined {
  if (!(error instanceof DagstreamError)) return undefined
  const { issues, issueCount } = error.details as { issues?: WorkflowIssue[]; issueCount?: unknown }
  const listed = error.code === 'INVALID_WORKFLOW' ? issues : findServerIssues(error)
  if (listed === undefined) return undefined
  return { listed, count: typeof issueCount === 'number' ? issueCount : listed.length }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (!(error instanceof DagstreamError)) return error.message
  if (error.code === 'CONNECTION_LOST') return `The connection was lost: ${describeCause(error)}`
  // The store's own error is more actionable than `STORE_FAILED`.
  const hasCause = error.code === 'STORE_FAILED' && error.cause instanceof DagstreamError
  return hasCause ? `${error.message}: ${(error.cause as DagstreamError).message}` : error.message
}

/** A name that the server does not know, as a file that does not exist. */
function isUnknownWorkflow({ details }: DagstreamError): boolean {
  return details['code'] === 'WORKFLOW_NOT_FOUND'
}

function isUnauthorized(error: unknown): boolean {
  return error instanceof DagstreamError && error.code === 'HTTP_ERROR' && error.details['status'] === 401
}

function isInvalidInput(error: unknown): boolean {
  if (error instanceof UsageError) return true
  if (!(error instanceof DagstreamError)) return false
  if (error.code === 'HTTP_ERROR') return INVALID_INPUT.has(error.details['status']) || isUnknownWorkflow(error)
  // Without issues: for example, a model wrote no task.
  if (error.code === 'INVALID_WORKFLOW') return true
  return error.code === 'INVALID_OPTION' || error.code === 'INVALID_TOOL' || error.code === 'UNKNOWN_TASK'
}
