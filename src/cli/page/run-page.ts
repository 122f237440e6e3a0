import { createId } from '../../engine/execution-id.ts'
import { openTools } from '../input/open-tools.ts'
import { readNamed, readWorkflowFolder } from '../input/workflow-folder.ts'
import type { Source } from '../input/read-workflow.ts'
import { openExecutionPage } from './execution-page.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { McpLines } from '../render/mcp-lines.ts'
import type { RunOptions } from '../commands/run-options.ts'

/** Runs a workflow on a server and reports its end. */
type RunRemotely = (
  asked: Source,
  options: RunOptions & { readonly server: string },
  context: CommandContext,
) => Promise<ExitCode>

/** Runs a workflow on a server of this process, which serves a page of the execution as long as it runs. */
export async function runOnPage(
  file: string,
  options: RunOptions,
  context: CommandContext,
  runRemotely: RunRemotely,
): Promise<ExitCode> {
  const { process, stderr } = context
  const folder = await readWorkflowFolder(options.workflows, process)
  const source = await readNamed(file, folder, process)
  const tools = await openTools(options, process, new McpLines(context))
  try {
    const executionId = createId()
    const workflows = folder?.register(tools.all)
    const page = await openExecutionPage({
      tools: tools.all ?? tools,
      createId: () => executionId,
      ...(workflows && { workflows }),
    })
    try {
      await stderr.write(`Page: ${page.url}/#/executions/${executionId}\n`)
      return await runRemotely(source, { ...options, server: page.url, token: page.token }, context)
    } finally {
      await page.close()
    }
  } finally {
    await tools.close()
  }
}
