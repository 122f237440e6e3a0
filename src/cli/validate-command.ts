import { DagstreamError } from '../errors.ts'
import { JsonValue } from '../events/json-value.ts'
import { compileWorkflow, requireInput, type ValidationResult, validateWorkflow } from '../plan/compile.ts'
import type { ToolRegistry } from '../tools/registry.ts'
import type { DAGStructure } from '../workflow/document.ts'
import type { CommandContext, ExitCode } from './console.ts'
import { renderIssues } from './issue-lines.ts'
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
  const report = validate(document, await loadTools(tools, process.cwd), input)
  if (json) await stdout.write(`${JSON.stringify(report)}\n`)
  else if (report.valid) await stderr.write(`${colors.green('valid')} ${toPlainLine(file)}\n`)
  else await stderr.write(renderIssues(report.issues, report.issueCount, colors))
  return report.valid ? 0 : 2
}

function validate(document: unknown, tools: ToolRegistry, input: unknown): ValidationResult {
  const report = validateWorkflow(document, tools)
  if (!report.valid || input === undefined) return report
  try {
    requireInput(compileWorkflow(document as DAGStructure, tools), JsonValue.from(input))
    return report
  } catch (error) {
    if (!(error instanceof DagstreamError)) throw error
    const { issues, issueCount } = error.details as unknown as ValidationResult
    return { valid: false, issues, issueCount }
  }
}
