import type { ExecutionResult } from '../../engine/execution-result.ts'
import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import { type CliTools, openTools, type ToolFlags } from '../input/open-tools.ts'
import type { WorkflowFolder } from '../input/workflow-folder.ts'
import type { CommandContext } from '../process/console.ts'
import { describeFork } from '../render/hints.ts'
import { McpLines } from '../render/mcp-lines.ts'
import { openRunStore, type StoreFlags } from './open-store.ts'
import { isSharedUrl } from './shared-store.ts'

type Flags = ToolFlags & Partial<StoreFlags>

/** The parts of an execution that runs in this process. */
export interface LocalParts {
  readonly tools: CliTools
  readonly workflows: WorkflowRegistry | undefined
  readonly store: ExecutionStore | undefined
}

/** Opens the store and the tools of a run, and closes them at its end. */
export async function withLocalParts<Result>(
  flags: Flags,
  folder: WorkflowFolder | undefined,
  context: CommandContext,
  run: (parts: LocalParts) => Promise<Result>,
): Promise<Result> {
  const { process } = context
  const { store: file } = flags
  const store = file === undefined ? undefined : await openRunStore({ ...flags, store: file }, process)
  try {
    const tools = await openTools(flags, process, new McpLines(context))
    try {
      return await run({ tools, workflows: folder?.register(tools.all), store })
    } finally {
      await tools.close()
    }
  } finally {
    await store?.close()
  }
}

/** Prints how to run again what did not succeed, if the execution is in a file. */
export async function sayFork(result: ExecutionResult, flags: Flags, context: CommandContext): Promise<void> {
  const { store } = flags
  if (store === undefined || isSharedUrl(store)) return
  await context.stderr.write(describeFork(result, { ...flags, store }, context.process))
}
