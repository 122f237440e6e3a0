import { StreamingExecutor } from '../../engine/executors/streaming-executor.ts'
import type { InputQuestion } from '../../events/events.ts'
import { readRecordedTasks } from '../../engine/reuse/fork-source.ts'
import type { RecordedTasks } from '../../engine/reuse/recorded-tasks.ts'
import { describeJson, isJsonObject } from '../../json/describe-json.ts'
import type { DAGStructure } from '../../workflow/document.ts'
import { locateErrorIssues } from '../../workflow/locate-issues.ts'
import { withoutDelays } from '../dry-run/dry-document.ts'
import { DryOutputs } from '../dry-run/dry-outputs.ts'
import { renderDryRun } from '../dry-run/dry-report.ts'
import { askUntilInterrupted, openTools } from '../input/open-tools.ts'
import { readSource } from '../input/read-workflow.ts'
import { type CliProcess, type CommandContext, type ExitCode, UsageError } from '../process/console.ts'
import { McpLines } from '../render/mcp-lines.ts'
import { reportEnd } from '../render/run-report.ts'
import { findInFile } from '../target/file-host.ts'
import { COMMAND_BUFFER, follow, followLocally } from '../target/follow.ts'
import { findStore } from '../target/open-source.ts'
import { openExistingStore } from '../target/open-store.ts'
import { type RunOptions, toRemoteOptions } from './run-options.ts'
import { checkIds } from './watch-command.ts'

/**
 * Runs a workflow without its tools: outputs come from a file, from an earlier execution, or from the schemas of the tools. Nothing
 * is called and nothing is kept. Servers of tools are started, to list them.
 * @throws as `runCommand` does; UsageError for a file of outputs that is no object
 */
export async function dryRunCommand(file: string, options: RunOptions, context: CommandContext): Promise<ExitCode> {
  const { process, stderr } = context
  const { outputs: outputsFile, from, input, sse } = options
  if (outputsFile === '-' && file === '-')
    throw new UsageError('Expected one of the workflow and --outputs on standard input')
  const source = await readSource(file, process)
  const given = outputsFile === undefined ? new Map<string, unknown>() : await readOutputs(outputsFile, process)
  const outputs = new DryOutputs({ given, recorded: await readEarlier(from, options, process) })
  const tools = await openTools(options, process, new McpLines(context))
  try {
    const found = await askUntilInterrupted(tools, process, () => tools.toolsFor(source.value))
    if (found === undefined) return 130
    // Nothing is called, so nobody has to approve it.
    const approvals: InputQuestion[] = []
    const onInput = (question: InputQuestion): true => {
      approvals.push(question)
      return true
    }
    const executor = new StreamingExecutor(outputs.replace(found), { onInput })
    const followed = await follow(
      {
        ...(sse && { sse }),
        begin: () => {
          const settings = { ...toRemoteOptions(options), input, buffer: COMMAND_BUFFER }
          return followLocally(executor.stream(withoutDelays(source.value) as DAGStructure, settings))
        },
      },
      context,
    )
    const code = await reportEnd(followed, options, context)
    await stderr.write(renderDryRun(outputs, approvals))
    return code
  } catch (error) {
    throw locateErrorIssues(error, source)
  } finally {
    await tools.close()
  }
}

async function readOutputs(file: string, process: CliProcess): Promise<ReadonlyMap<string, unknown>> {
  const { value } = await readSource(file, process)
  if (isJsonObject(value)) return new Map(Object.entries(value))
  throw new UsageError(`Expected --outputs to hold an object of outputs by task id, got ${describeJson(value)}`)
}

async function readEarlier(
  executionId: string | undefined,
  flags: RunOptions,
  process: CliProcess,
): Promise<RecordedTasks | undefined> {
  if (executionId === undefined) return undefined
  checkIds(executionId)
  const { store: file } = flags
  const store = await openExistingStore(findStore(file === undefined ? {} : { store: file }, process), 'read', process)
  try {
    return await readRecordedTasks(await findInFile(store, executionId), store)
  } finally {
    await store.close()
  }
}
