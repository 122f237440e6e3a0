import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cluster } from './postgres-cluster.ts'

/** Names the folder of this run of vitest in the environment of its workers. */
export const RUN_FOLDER = 'DAGSTREAM_POSTGRES_RUN'

/**
 * Global setup of vitest: makes the folder in which the first test file that needs PostgreSQL leaves its cluster for the others.
 * Ends that cluster after the run.
 */
export function setup(): (() => void) | undefined {
  if (process.env[RUN_FOLDER] !== undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-run-'))
  process.env[RUN_FOLDER] = folder
  return () => {
    const cluster = readCluster(folder)
    if (cluster !== undefined) {
      try {
        process.kill(cluster.processId, 'SIGQUIT')
      } catch {
        // It has ended by itself.
      }
      rmSync(cluster.folder, { recursive: true, force: true, maxRetries: 5 })
    }
    rmSync(folder, { recursive: true, force: true })
    delete process.env[RUN_FOLDER]
  }
}

/** The cluster of a run, once it has one. */
export function readCluster(folder: string): Cluster | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, 'cluster.json'), 'utf8')) as Cluster
  } catch {
    return undefined
  }
}
