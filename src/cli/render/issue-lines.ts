import type { Colors } from 'picocolors/types.js'
import type { WorkflowIssue } from '../../workflow/document.ts'
import { showPosition, formatNumberOf, toPlainLine } from './text.ts'

/** An issue, and the file that it is in: none for the workflow of the command. */
export interface FileIssue extends WorkflowIssue {
  /** Path of a registered workflow. */
  readonly file?: string
}

/** Hint for a missing tool. */
export const TOOLS_HINT =
  'Tools come from --tools <module>, --mcp <config>, and `mcpServers` and `http` of dagstream.config.json'

/** Hint for a missing `llm:chat`, which exists whenever a key is set. */
const KEY_HINT =
  'OPENROUTER_API_KEY is not set where it is to run; for an endpoint of your own, OPENROUTER_BASE_URL, any value will do'

/** Whether issues, of any shape, name a missing tool. */
export function missesTool(issues: unknown): boolean {
  return Array.isArray(issues) && issues.some((issue: WorkflowIssue) => issue.code === 'UNKNOWN_TOOL')
}

/**
 * Renders the issues of a workflow for people: `CODE pointer: message (hint) (line 2, column 5)`, with `input` before a pointer
 * into the input and the file before one into another workflow, and the total where not all are listed.
 */
export function renderIssues(issues: readonly FileIssue[], issueCount: number, colors: Colors): string {
  const lines = issues.map(issue => {
    const { code, message, line, column } = issue
    const hint = isWithoutKey(issue) ? KEY_HINT : issue.hint
    const place = toPlainLine(describePlace(issue))
    const position = line === undefined || column === undefined ? '' : colors.dim(showPosition({ line, column }))
    const help = hint === undefined ? '' : colors.dim(` (${toPlainLine(hint)})`)
    return `${colors.red(toPlainLine(code))} ${place}: ${toPlainLine(message)}${help}${position}`
  })
  if (issueCount > issues.length)
    lines.push(`${formatNumberOf(issueCount, 'issue')} in all; the first ${issues.length} are shown`)
  return `${lines.join('\n')}\n`
}

function describePlace({ pointer, file, in: part }: FileIssue): string {
  const base = part ?? file
  if (base === undefined) return pointer === '' ? '(document)' : pointer
  return pointer === '' ? base : `${base} ${pointer}`
}

function isWithoutKey({ code, message }: WorkflowIssue): boolean {
  return code === 'UNKNOWN_TOOL' && message.endsWith(' `llm:chat`')
}
