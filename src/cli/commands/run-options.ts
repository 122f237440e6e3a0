import type { PlanOptions } from '../../engine/growth/plan-options.ts'
import type { RemoteOptions } from '../../client/create-client.ts'
import type { Schedule } from '../../events/events.ts'
import type { OutputFlags } from '../render/run-report.ts'
import type { StoreFlags } from '../target/open-store.ts'

/** The flags of `run`. */
export interface RunOptions extends OutputFlags, Omit<StoreFlags, 'durability'>, PlanOptions {
  readonly schedule?: Schedule
  readonly concurrency?: number
  readonly priority?: number
  readonly failFast?: true
  /** Timeout of the whole execution, ms. */
  readonly timeout?: number
  /** The value of `$INPUT`. */
  readonly input?: unknown
  readonly tools?: string
  /** A file with `mcpServers`. */
  readonly mcp?: string
  /** A folder of registered workflows. */
  readonly workflows?: string
  /** Calls no tool. */
  readonly dryRun?: true
  /** Of a dry run: a file with outputs by task id, and the execution whose outputs are taken. */
  readonly outputs?: string
  readonly from?: string
  /** Serves a page of the execution while it runs. */
  readonly page?: true
  /** The workflow is a plan, one task a line, and runs while it is written. */
  readonly ndjson?: true
  /** The server to run on instead of this process. */
  readonly server?: string
  readonly token?: string
}

/** The execution options among the flags, local or remote. */
export function toRemoteOptions({
  schedule,
  concurrency,
  priority,
  failFast,
  timeout,
}: RunOptions): Omit<RemoteOptions, 'onDisconnect'> {
  return {
    ...(schedule && { schedule }),
    ...(concurrency !== undefined && { maxConcurrency: concurrency }),
    ...(priority !== undefined && { priority }),
    ...(failFast && { onTaskError: 'fail-fast' as const }),
    ...(timeout !== undefined && { timeoutMs: timeout }),
  }
}

/** The options of a plan among the flags. */
export function pickPlanOptions({ eager, onPlanError, onPlanBreak }: PlanOptions): PlanOptions {
  return { ...(eager && { eager }), ...(onPlanError && { onPlanError }), ...(onPlanBreak && { onPlanBreak }) }
}

/** The option of `follow`. */
export function pickSse({ sse }: RunOptions): { sse?: true } {
  return sse === undefined ? {} : { sse }
}
