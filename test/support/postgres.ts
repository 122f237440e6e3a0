import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { migratePostgresStore } from '../../src/store/postgres/index.ts'
import type { Row } from '../../src/store/postgres/connection/database.ts'
import { type Cluster, programs, startCluster } from './postgres-cluster.ts'
import { readCluster, RUN_FOLDER } from './postgres-run.ts'

/** Whether PostgreSQL is not installed: then its tests are skipped, and this is said. */
export const isPostgresMissing: boolean = programs === undefined

const TEMPLATE = 'migrated'

/** The URL of a database of a cluster. */
export function urlOf({ port }: Pick<Cluster, 'port'>, database: string, user = 'postgres'): string {
  return `postgres://${user}@127.0.0.1:${port}/${database}`
}

/** A new database with the tables of a store, in the cluster that the files of a run share. @returns its URL */
export async function createDatabase(): Promise<string> {
  return createDatabaseIn(await shareCluster(), TEMPLATE)
}

/** A new database without any tables. @returns its URL */
export async function createEmptyDatabase(): Promise<string> {
  return createDatabaseIn(await shareCluster(), 'template0')
}

export async function createDatabaseIn(cluster: Cluster, template: string): Promise<string> {
  const name = `test_${globalThis.crypto.randomUUID().replaceAll('-', '')}`
  await execute(urlOf(cluster, 'postgres'), `CREATE DATABASE ${name} TEMPLATE ${template}`)
  return urlOf(cluster, name)
}

/** Runs SQL beside the store. @returns the rows of its last statement */
export async function execute(url: string, sql: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    const result = await client.query(sql, values.length > 0 ? [...values] : undefined)
    return result.rows as readonly Row[]
  } finally {
    await client.end()
  }
}

/** The cluster of this run; the first that asks starts it. */
export async function shareCluster(): Promise<Cluster> {
  const folder = process.env[RUN_FOLDER] as string
  if (tryMakeFolder(join(folder, 'starting'))) {
    // It ends with the run, not with this file: vitest is the parent of its workers.
    const cluster = await startCluster([], undefined, process.ppid)
    await execute(urlOf(cluster, 'postgres'), `CREATE DATABASE ${TEMPLATE} TEMPLATE template0`)
    await migratePostgresStore(urlOf(cluster, TEMPLATE))
    writeFileSync(join(folder, 'cluster.new'), JSON.stringify(cluster))
    renameSync(join(folder, 'cluster.new'), join(folder, 'cluster.json'))
    return cluster
  }
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(20)) {
    const cluster = readCluster(folder)
    if (cluster !== undefined) return cluster
  }
  throw new Error('Expected the cluster of this run to start within 30 s')
}

/** @returns whether it was not there */
function tryMakeFolder(path: string): boolean {
  try {
    mkdirSync(path)
    return true
  } catch {
    return false
  }
}

/** Moves all times of a store into the past, as if so much time had passed. */
export async function letPass(url: string, ms: number): Promise<void> {
  const shift = `- ${ms} * interval '1 ms'`
  await execute(
    url,
    `UPDATE dagstream.executions SET lease_until = lease_until ${shift};
     UPDATE dagstream.orders SET lease_until = lease_until ${shift}, created_at = created_at ${shift},
       unclaimed_since = unclaimed_since ${shift};
     UPDATE dagstream.members SET alive_until = alive_until ${shift};
     UPDATE dagstream.tools SET paused_until = paused_until ${shift}, refilled_at = refilled_at - ${ms}`,
  )
}
