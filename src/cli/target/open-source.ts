import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type CliProcess, UsageError } from '../process/console.ts'
import { DEFAULT_STORE } from './default-store.ts'
import type { ExecutionSource } from './execution-source.ts'
import { RemoteExecutions } from './remote-executions.ts'
import { openExistingStore } from './open-store.ts'
import { StoredExecutions } from './stored-executions.ts'

/** The flags that select a source of executions. */
export interface SourceFlags {
  readonly store?: string
  readonly server?: string
  readonly token?: string
}

/**
 * Opens a server or a store file; without a flag the default file, if it exists.
 * @throws UsageError if no source is given; Error for a file that cannot be opened or, for writing, is in use
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

/** @throws UsageError if no file is given and the default one does not exist */
export function findStore({ store, token }: SourceFlags, { cwd }: CliProcess): string {
  if (token !== undefined) throw new UsageError('Expected --server with --token')
  if (store !== undefined || existsSync(resolve(cwd, DEFAULT_STORE))) return store ?? DEFAULT_STORE
  throw new UsageError(`Expected --store or --server: there is no ${DEFAULT_STORE} here`)
}
