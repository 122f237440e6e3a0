import { DagstreamError, type DagstreamErrorCode } from '../../errors.ts'
import { resolveOptions } from '../../engine/options.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { ExecutionHost } from '../../host/execution-host.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import type { ToolSource } from '../../tools/registry.ts'
import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import { createToolResolver } from '../../tools/tool-resolver.ts'
import type { CommandContext } from '../process/console.ts'
import type { KeptStore } from './open-store.ts'
import type { Viewer } from '../render/viewer.ts'
import {
  COMMAND_BUFFER,
  follow,
  type Followed,
  type FollowedExecution,
  followLocally,
  type FollowOptions,
} from './follow.ts'

/** Further options of the host of a command. */
interface FileHostOptions {
  readonly workflows?: WorkflowRegistry | undefined
  /** Whether a person can be asked: otherwise a question without expiry expires at once. @defaultValue false */
  readonly isAttended?: boolean
  /** Time for which an unfinished plan waits for its planner, ms. @defaultValue 0 */
  readonly planGraceMs?: number
}

/**
 * The host of a command: starts, resumes, cancels and deletes executions of a store on request, without limits and without a drain
 * timeout. Close it before the store.
 */
export function createFileHost(
  store: ExecutionStore,
  tools: ToolSource = [],
  { workflows, isAttended = false, planGraceMs = 0 }: FileHostOptions = {},
): ExecutionHost {
  return new ExecutionHost({
    tools: createToolResolver(tools),
    workflows,
    execution: { ...resolveOptions(), store },
    graceMs: Number.POSITIVE_INFINITY,
    maxExecutions: Number.POSITIVE_INFINITY,
    maxSubscribers: Number.POSITIVE_INFINITY,
    drainMs: 0,
    observers: [],
    planGraceMs,
    isServer: false,
    isAttended,
  })
}

/**
 * Follows an execution that a host starts or resumes, to its end, and closes the host.
 * @param onBegun called with its id once the store has it
 */
export async function followHosted(
  host: ExecutionHost,
  begin: () => Promise<HostedExecution>,
  options: Omit<FollowOptions, 'begin'>,
  context: CommandContext,
  onBegun: (executionId: string, viewer: Viewer) => void = () => {},
): Promise<Followed> {
  try {
    await host.join()
    const execution = (await begin()).attach(COMMAND_BUFFER)
    const follows = (viewer: Viewer): FollowedExecution => {
      onBegun(execution.executionId, viewer)
      return followLocally(execution)
    }
    return await follow({ ...options, begin: follows }, context)
  } finally {
    await host.close()
  }
}

/** The record of an execution. @throws `EXECUTION_NOT_FOUND` with the path of the file or the address of the database */
export async function findInFile(store: KeptStore, executionId: string): Promise<StoredExecution> {
  const stored = await store.get(executionId)
  if (stored !== undefined) return stored
  throw new DagstreamError(
    'EXECUTION_NOT_FOUND',
    `There is no execution ${executionId} in ${'file' in store ? store.file : store.where}`,
  )
}

/** Replaces the message of an error that has the code by one that names the execution; returns other errors unchanged. */
export function nameExecution(error: unknown, code: DagstreamErrorCode, message: string): unknown {
  return error instanceof DagstreamError && error.code === code
    ? new DagstreamError(code, message, { cause: error })
    : error
}
