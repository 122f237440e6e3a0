import { validateWorkflow } from '../plan/compile.ts'
import type { CommandContext, ExitCode } from './console.ts'
import { missesTool, renderIssues, TOOLS_HINT } from './issue-lines.ts'
import { loadTools } from './load-tools.ts'
import { readWorkflow } from './read-workflow.ts'
import { toPlainLine } from './text.ts'

/** The flags of `validate`. */
export interface ValidateOptions {
  readonly tools?: string
  /** What `$INPUT` refers to; without it, references into it are not looked up. */
  readonly input?: unknown
  readonly json?: true
}

/** Checks a workflow without running it. */
export async function validateCommand(
  file: string,
  { tools, input, json }: ValidateOptions,
  { process, stdout, stderr, colors }: CommandContext,
): Promise<ExitCode> {
  const document = await readWorkflow(file, process)
  const report = validateWorkflow(document, await loadTools(tools, process.cwd), { input })
  if (json) await stdout.write(`${JSON.stringify(report)}\n`)
  else if (report.valid) await stderr.write(`${colors.green('valid')} ${toPlainLine(file)}\n`)
  else {
    await stderr.write(renderIssues(report.issues, report.issueCount, colors))
    if (tools === undefined && missesTool(report.issues)) await stderr.write(`${TOOLS_HINT}\n`)
  }
  return report.valid ? 0 : 2
}
