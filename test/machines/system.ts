import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { migratePostgresStore } from '../../src/store/postgres/index.ts'
import { type Call, readCalls } from '../kill/site.ts'
import type { StoredLog } from '../kill/stored-log.ts'
import { urlOf } from '../support/postgres.ts'
import { type Cluster, removeFolder, startCluster, startServer, stopServer } from '../support/postgres-cluster.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { Machine } from './machine.ts'
import { readPostgresLog } from './stored-log.ts'

/** Short, so that a takeover takes seconds; long enough for a machine that has much to do. */
export const LEASE_MS = 3000

/** How the processes are set up. */
export interface SystemOptions {
  /** @defaultValue `LEASE_MS` */
  readonly leaseMs?: number
  /** Whether keys of orders travel by BullMQ, in a Redis of its own. */
  readonly isQueued?: boolean
}

const tools = fileURLToPath(new URL('../kill/kill-tools.mjs', import.meta.url))

/** Two servers that run nothing themselves, three workers, and a database of their own. */
export class System {
  readonly folder: string
  readonly servers: readonly Machine[]
  readonly workers: readonly Machine[]
  killCount = 0
  readonly #redis: RedisServer | undefined
  #cluster: Cluster
  #database: Promise<void> = Promise.resolve()

  #redisStarts: Promise<void> = Promise.resolve()

  private constructor(
    folder: string,
    cluster: Cluster,
    redis: RedisServer | undefined,
    machines: readonly [servers: readonly Machine[], workers: readonly Machine[]],
  ) {
    this.folder = folder
    this.#cluster = cluster
    this.#redis = redis
    const [servers, workers] = machines
    this.servers = servers
    this.workers = workers
  }

  static async start({ leaseMs = LEASE_MS, isQueued = false }: SystemOptions = {}): Promise<System> {
    const folder = mkdtempSync(join(tmpdir(), 'dagstream-machines-'))
    const cluster = await startCluster()
    const url = urlOf(cluster, 'postgres')
    await migratePostgresStore(url)
    const redis = isQueued ? await startRedis() : undefined
    const queue = redis === undefined ? [] : ['--queue', redis.url]
    const flags = ['--tools', tools, '--lease', String(leaseMs), '--log-level', 'warn', ...queue]
    const start = (role: 'server' | 'worker') => Machine.start(role, url, flags, { CALLS: join(folder, 'calls') })
    const servers = await Promise.all([start('server'), start('server')])
    const workers = await Promise.all([start('worker'), start('worker'), start('worker')])
    const system = new System(folder, cluster, redis, [servers, workers])
    await system.settle()
    return system
  }

  get machines(): readonly Machine[] {
    return [...this.servers, ...this.workers]
  }

  /** Waits until every process and the database are there. */
  async settle(): Promise<void> {
    await Promise.all([this.#database, this.#redisStarts])
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

  /** Ends Redis as a crash does, with all that it holds, and starts it again after `downMs`. */
  killRedis(downMs: number): Promise<void> {
    const redis = this.#redis
    if (redis === undefined) return Promise.resolve()
    this.killCount += 1
    this.#redisStarts = this.#redisStarts.then(async () => {
      await redis.kill()
      await wait(downMs)
      await redis.start()
    })
    return this.#redisStarts
  }

  readCalls(): readonly Call[] {
    return readCalls(join(this.folder, 'calls'))
  }

  /** The log of an execution as the database holds it. */
  readLog(executionId: string): Promise<StoredLog | undefined> {
    return readPostgresLog(urlOf(this.#cluster, 'postgres'), executionId)
  }

  async close(): Promise<void> {
    await Promise.all(this.machines.map(machine => machine.close()))
    await Promise.allSettled([this.#database, this.#redisStarts])
    await this.#redis?.close()
    await stopServer(this.#cluster)
    removeFolder(this.#cluster)
    rmSync(this.folder, { recursive: true, force: true })
  }
}
