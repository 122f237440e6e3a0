import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { migratePostgresStore } from '../../src/store/postgres/index.ts'
import type { Call } from '../kill/site.ts'
import type { StoredLog } from '../kill/stored-log.ts'
import { execute, urlOf } from '../support/postgres.ts'
import { type Cluster, removeFolder, startCluster, startServer, stopServer } from '../support/postgres-cluster.ts'
import { Machine } from './machine.ts'

/** Short, so that a takeover takes seconds; long enough for a machine that has much to do. */
export const LEASE_MS = 3000

const tools = fileURLToPath(new URL('../kill/kill-tools.mjs', import.meta.url))

/** Two servers that run nothing themselves, three workers, and a database of their own. */
export class System {
  readonly folder: string
  readonly servers: readonly Machine[]
  readonly workers: readonly Machine[]
  killCount = 0
  #cluster: Cluster
  #database: Promise<void> = Promise.resolve()

  private constructor(folder: string, cluster: Cluster, servers: readonly Machine[], workers: readonly Machine[]) {
    this.folder = folder
    this.#cluster = cluster
    this.servers = servers
    this.workers = workers
  }

  static async start(): Promise<System> {
    const folder = mkdtempSync(join(tmpdir(), 'dagstream-machines-'))
    const cluster = await startCluster()
    const url = urlOf(cluster, 'postgres')
    await migratePostgresStore(url)
    const flags = ['--tools', tools, '--lease', String(LEASE_MS), '--log-level', 'warn']
    const start = (role: 'server' | 'worker') => Machine.start(role, url, flags, { CALLS: join(folder, 'calls') })
    const servers = await Promise.all([start('server'), start('server')])
    const workers = await Promise.all([start('worker'), start('worker'), start('worker')])
    const system = new System(folder, cluster, servers, workers)
    await system.settle()
    return system
  }

  get machines(): readonly Machine[] {
    return [...this.servers, ...this.workers]
  }

  /** Waits until every process and the database are there. */
  async settle(): Promise<void> {
    await this.#database
    await Promise.all(this.machines.map(machine => machine.ready))
  }

  async kill(machine: Machine): Promise<void> {
    this.killCount += 1
    await machine.strike()
  }

  /** Ends the database as a crash does, and starts it again after `downMs`. */
  killDatabase(downMs: number): Promise<void> {
    this.killCount += 1
    this.#database = this.#database.then(async () => {
      await stopServer(this.#cluster)
      await wait(downMs)
      this.#cluster = await startServer(this.#cluster.folder, this.#cluster.port)
    })
    return this.#database
  }

  readCalls(): readonly Call[] {
    const path = join(this.folder, 'calls')
    if (!existsSync(path)) return []
    const lines = readFileSync(path, 'utf8').split('\n')
    return lines.filter(line => line !== '').map(line => JSON.parse(line) as Call)
  }

  /** The log of an execution as the database holds it. */
  async readLog(executionId: string): Promise<StoredLog | undefined> {
    const url = urlOf(this.#cluster, 'postgres')
    const [row] = await execute(url, 'SELECT number, status FROM dagstream.executions WHERE id = $1', [executionId])
    if (row === undefined) return undefined
    const sql = 'SELECT seq::integer, type, json FROM dagstream.events WHERE execution = $1 ORDER BY seq'
    const entries = await execute(url, sql, [row['number']])
    return { status: row['status'] as string, entries: entries as unknown as StoredLog['entries'] }
  }

  async close(): Promise<void> {
    await Promise.all(this.machines.map(machine => machine.close()))
    await this.#database.catch(() => {})
    await stopServer(this.#cluster)
    removeFolder(this.#cluster)
    rmSync(this.folder, { recursive: true, force: true })
  }
}
