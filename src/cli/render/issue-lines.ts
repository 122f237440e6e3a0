import type { Colors } from 'picocolors/types.js'
import type { WorkflowIssue } from '../../workflow/document.ts'
import { formatNumberOf, toPlainLine } from './text.ts'

/** Said where a tool is missing. */
export const TOOLS_HINT =
  'Tools come from --tools <module>, --mcp <config>, and `mcpServers` and `http` of dagstream.config.json'

/** Said where `llm:chat` is missing: it is there wherever there is a key. */
const KEY_HINT =
  'OPENROUTER_API_KEY is not set where it is to run; for an endpoint of your own, OPENROUTER_BASE_URL, any value will do'

/** Whether issues, of whatever form, name a tool that is not there. */
export function missesTool(issues: unknown): boolean {
  return Array.isArray(issues) && issues.some((issue: WorkflowIssue) => issue.code === 'UNKNOWN_TOOL')
}

/** The issues of a workflow for people: `CODE pointer: message (hint)`, and the total where not all are listed. */
export function renderIssues(issues: readonly WorkflowIssue[], issueCount: number, colors: Colors): string {
  const lines = issues.map(issue => {
    const { code, pointer, message } = issue
    const hint = isWithoutKey(issue) ? KEY_HINT : issue.hint
    const place = pointer === '' ? '(document)' : toPlainLine(pointer)
    const help = hint === undefined ? '' : colors.dim(` (${toPlainLine(hint)})`)
    return `${colors.red(toPlainLine(code))} ${place}: ${toPlainLine(message)}${help}`
  })
  if (issueCount > issues.length)
    lines.push(`${formatNumberOf(issueCount, 'issue')} in all; the first ${issues.length} are shown`)
  return `${lines.join('\n')}\n`
}

function isWithoutKey({ code, message }: WorkflowIssue): boolean {
  return code === 'UNKNOWN_TOOL' && message.endsWith(' `llm:chat`')
}
