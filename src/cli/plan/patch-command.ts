import type { PlanPatch } from '../../engine/growth/patch-shape.ts'
import { describeJson, isJsonObject } from '../../json/describe-json.ts'
import { withSource } from '../commands/executions-command.ts'
import { checkIds } from '../commands/watch-command.ts'
import { readSource } from '../input/read-workflow.ts'
import { type CommandContext, type ExitCode, UsageError } from '../process/console.ts'
import { formatNumberOf } from '../render/text.ts'
import type { SourceFlags } from '../target/open-source.ts'
import { findServerIssues } from '../target/server-issues.ts'
import { DagstreamError } from '../../errors.ts'

/** The flags of `executions patch`. */
export interface PatchFlags extends SourceFlags {
  /** Files of tasks. */
  readonly add?: string
  readonly replace?: string
  /** Ids of tasks. */
  readonly remove?: readonly string[]
  readonly json?: true
}

/**
 * Changes the document of an execution that a server runs.
 * @throws UsageError; `INVALID_WORKFLOW` with the issues of the patch; of a server `HTTP_ERROR`
 */
export async function patchExecutionCommand(
  executionId: string,
  flags: PatchFlags,
  context: CommandContext,
): Promise<ExitCode> {
  checkIds(executionId)
  const { add, remove, replace } = flags
  if ((add ?? remove ?? replace) === undefined) throw new UsageError('Expected --add, --remove or --replace')
  if (add === '-' && replace === '-') throw new UsageError('Expected standard input for one of --add and --replace')
  const patch: PlanPatch = {
    ...(add !== undefined && { add: await readTasks(add, context) }),
    ...(remove !== undefined && { remove }),
    ...(replace !== undefined && { replace: await readTasks(replace, context) }),
  }
  return withSource(flags, 'write', context, async source => {
    const { totalTasks } = await source.patch(executionId, patch).catch((error: unknown) => {
      throw explain(error)
    })
    if (flags.json) await context.stdout.write(`${JSON.stringify({ executionId, totalTasks })}\n`)
    else await context.stderr.write(`Patched ${executionId}: ${formatNumberOf(totalTasks, 'task')}\n`)
  })
}

/** One task, or an array of them. */
async function readTasks(file: string, { process }: CommandContext): Promise<NonNullable<PlanPatch['add']>> {
  const { value } = await readSource(file, process)
  const name = file === '-' ? 'standard input' : `\`${file}\``
  if (Array.isArray(value)) return value
  if (isJsonObject(value) && Object.hasOwn(value, 'id')) return [value] as unknown as NonNullable<PlanPatch['add']>
  throw new UsageError(`Expected ${name} to hold a task or an array of tasks, got ${describeJson(value)}`)
}

/** The issues of a server as those of a command. */
function explain(error: unknown): unknown {
  const issues = findServerIssues(error)
  if (issues === undefined) return error
  const { message, details, cause } = error as DagstreamError
  return new DagstreamError('INVALID_WORKFLOW', message, { details: { ...details, issues }, cause })
}
