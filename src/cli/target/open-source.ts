import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type CliProcess, UsageError } from '../process/console.ts'
import { DEFAULT_STORE } from './default-store.ts'
import type { ExecutionSource } from './execution-source.ts'
import { RemoteExecutions } from './remote-executions.ts'
import { openExistingStore } from './store-place.ts'
import { StoredExecutions } from './stored-executions.ts'

/** The flags that say where executions are. */
export interface SourceFlags {
  readonly store?: string
  readonly server?: string
  readonly token?: string
}

/**
 * A server, or the file of a store: without a flag the default one, if it is here.
 * @throws UsageError where nothing says which; Error for a file that cannot be had, and to write also for one that is in use
 */
export async function openSource(
  flags: SourceFlags,
  access: 'read' | 'write',
  process: CliProcess,
): Promise<ExecutionSource> {
  const { server, token } = flags
  if (server !== undefined) return new RemoteExecutions({ server, ...(token !== undefined && { token }) }, process)
  return new StoredExecutions(await openExistingStore(findStore(flags, process), access, process))
}

/** @throws UsageError where no file is named, and the default one is not here */
export function findStore({ store, token }: SourceFlags, { cwd }: CliProcess): string {
  if (token !== undefined) throw new UsageError('Expected --server with --token')
  if (store !== undefined || existsSync(resolve(cwd, DEFAULT_STORE))) return store ?? DEFAULT_STORE
  throw new UsageError(`Expected --store or --server: there is no ${DEFAULT_STORE} here`)
}
