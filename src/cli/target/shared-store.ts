import type { Dispatcher } from '../../cluster/order.ts'
import type { HandlerOptions } from '../../http/options/handler-options.ts'
import type { Logger } from '../../log/logger.ts'
import { describeUrl, isPostgresUrl } from '../../store/postgres/connection/connection-url.ts'
import { type CliProcess, UsageError } from '../process/console.ts'
import { openQueue } from './open-queue.ts'

/** The flags of a server on a shared store. */
export interface SharedStoreFlags {
  /** Time until a dead server is replaced, ms. */
  readonly lease?: number
  /** `false`: the server leaves all tasks to workers. */
  readonly work?: boolean
  /** Time to wait for a worker that has a tool, ms. */
  readonly toolsWait?: number
  readonly maxRunningPerOwner?: number
  /** The URL of a queue that dispatches tasks. */
  readonly queue?: string
}

/** Whether the value of `--store` is the database of a shared store. */
export function isSharedUrl(store: string | undefined): store is string {
  return store !== undefined && isPostgresUrl(store)
}

/** The value of `--store` for people, without user and password. */
export function describeStore(store: string): string {
  return isSharedUrl(store) ? describeUrl(store) : store
}

/** Those that only a shared store has, as they are written. */
function listGiven({ lease, work, toolsWait, maxRunningPerOwner, queue }: SharedStoreFlags): string[] {
  return [
    ...(lease === undefined ? [] : ['--lease']),
    ...(work === false ? ['--no-work'] : []),
    ...(toolsWait === undefined ? [] : ['--tools-wait']),
    ...(maxRunningPerOwner === undefined ? [] : ['--max-running-per-owner']),
    ...(queue === undefined ? [] : ['--queue']),
  ]
}

/** @throws UsageError for a flag of a shared store with another one */
export function expectSharedFlags(flags: SharedStoreFlags & { readonly store?: string }): void {
  const [given] = listGiven(flags)
  if (given === undefined || isSharedUrl(flags.store)) return
  throw new UsageError(`Expected --store to be postgres://… with ${given}: another store has one process`)
}

/** The options of a handler on a shared store. The caller closes the dispatcher. @throws UsageError */
export async function openSharedOptions(
  { lease, work, toolsWait, maxRunningPerOwner, queue }: SharedStoreFlags,
  process: CliProcess,
  logger: Logger,
): Promise<Partial<HandlerOptions> & { readonly dispatcher?: Dispatcher }> {
  return {
    ...(lease !== undefined && { leaseMs: lease }),
    ...(work !== undefined && { work }),
    ...(toolsWait !== undefined && { toolsWaitMs: toolsWait }),
    ...(maxRunningPerOwner !== undefined && { maxRunningPerOwner }),
    ...(queue !== undefined && { dispatcher: await openQueue(queue, process, logger) }),
  }
}
