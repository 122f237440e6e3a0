import { DagstreamError, type DagstreamErrorCode } from '../../errors.ts'
import { resolveOptions } from '../../engine/options.ts'
import { ExecutionHost } from '../../host/execution-host.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import type { SqliteStore } from '../../store/sqlite/sqlite-store.ts'
import type { ToolSource } from '../../tools/registry.ts'
import { createShelf } from '../../tools/tool-provider.ts'

/**
 * The host of a command: resumes, cancels and deletes executions of a store on request, without limits and without a drain
 * timeout. Close it before the store.
 */
export function createFileHost(store: ExecutionStore, tools: ToolSource = []): ExecutionHost {
  return new ExecutionHost({
    tools: createShelf(tools),
    workflows: undefined,
    execution: { ...resolveOptions(), store },
    graceMs: Number.POSITIVE_INFINITY,
    maxExecutions: Number.POSITIVE_INFINITY,
    maxSubscribers: Number.POSITIVE_INFINITY,
    drainMs: 0,
    observers: [],
    isServer: false,
  })
}

/** The record of an execution. @throws `EXECUTION_NOT_FOUND` with the path of the file */
export async function findInFile(store: SqliteStore, executionId: string): Promise<StoredExecution> {
  const stored = await store.get(executionId)
  if (stored !== undefined) return stored
  throw new DagstreamError('EXECUTION_NOT_FOUND', `There is no execution ${executionId} in ${store.file}`)
}

/** Replaces the message of an error that has the code by one that names the execution; returns other errors unchanged. */
export function nameExecution(error: unknown, code: DagstreamErrorCode, message: string): unknown {
  return error instanceof DagstreamError && error.code === code
    ? new DagstreamError(code, message, { cause: error })
    : error
}
