import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { findFaults } from '../kill/checks.ts'
import type { Undisturbed } from '../kill/kill-case.ts'
import { type Call, readCalls } from '../kill/site.ts'
import { createEmptyDatabase, execute } from '../support/postgres.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { type Build, runBuild } from './builds.ts'
import type { Client, Place } from './client.ts'
import { findNeedlessRepeats } from './machine-case.ts'
import { Machine } from './machine.ts'
import { readPostgresLog } from './stored-log.ts'

/** The module with the tools of all executions. */
const TOOLS = fileURLToPath(new URL('../kill/kill-tools.mjs', import.meta.url))

/** Executions are handed over soon; workers let what runs end. */
const SERVER_DRAIN_MS = 300
const WORKER_DRAIN_MS = 10_000

const page = readFileSync(new URL('../../docs/machines.md', import.meta.url), 'utf8')
/** The roles and their grants, as documented. */
const GRANTS = /```sql\n([\s\S]*?CREATE ROLE dagstream_app[\s\S]*?)```/.exec(page)?.[1] as string

/** How long a state may take to come, ms. */
const PATIENCE_MS = 30_000

/** Two servers and two workers of builds that change, on a database of their own, in which they have the documented roles. */
export class Fleet implements Place {
  /** That of the owner. */
  readonly url: string
  readonly servers: readonly [Machine, Machine]
  readonly workers: readonly [Machine, Machine]
  /** Flags of each command that opens the store. */
  readonly flags: readonly string[]
  readonly #folder: string
  readonly #redis: RedisServer | undefined

  private constructor(
    url: string,
    redis: RedisServer | undefined,
    folder: string,
    machines: readonly [Machine, Machine, Machine, Machine],
  ) {
    const [server, otherServer, worker, otherWorker] = machines
    this.url = url
    this.#redis = redis
    this.flags = ['--store', url, ...flagsOf(redis)]
    this.#folder = folder
    this.servers = [server, otherServer]
    this.workers = [worker, otherWorker]
  }

  /** Starts all of one build, on a database that this build has migrated. */
  static async start(build: Build, isQueued: boolean): Promise<Fleet> {
    const url = await createEmptyDatabase()
    const { code, stderr } = await runBuild(build, 'store', 'migrate', url)
    if (code !== 0) throw new Error(stderr)
    await execute(url, grantsOf(url))
    const folder = mkdtempSync(join(tmpdir(), 'dagstream-fleet-'))
    const redis = isQueued ? await startRedis() : undefined
    const flags = flagsOf(redis)
    const env = { CALLS: join(folder, 'calls') }
    const start = (role: 'server' | 'worker'): Promise<Machine> => {
      const drain = String(role === 'server' ? SERVER_DRAIN_MS : WORKER_DRAIN_MS)
      return Machine.start(role, urlFor(role, url), [...flags, '--drain', drain], env, build.dist)
    }
    const machines = [
      await start('server'),
      await start('server'),
      await start('worker'),
      await start('worker'),
    ] as const
    await Promise.all(machines.map(({ ready }) => ready))
    return new Fleet(url, redis, folder, machines)
  }

  get machines(): readonly Machine[] {
    return [...this.servers, ...this.workers]
  }

  /** Repeats the grants, as after a migration. */
  async grant(): Promise<void> {
    await execute(this.url, grantsOf(this.url).replaceAll(/^CREATE ROLE.*$/gm, ''))
  }

  readCalls(): readonly Call[] {
    return readCalls(join(this.#folder, 'calls'))
  }

  /** What is wrong with an execution that has ended, a line each. */
  async findFaults(client: Client, undisturbed: Undisturbed): Promise<string[]> {
    const { workflow, executionId } = client
    const log = await readPostgresLog(this.url, executionId as string)
    const expected = undisturbed.get(workflow.name)?.outcome
    const history = { deaths: [], readCalls: () => this.readCalls() }
    const found = findFaults(history, client, log, await client.fetchResult(), expected)
    const struck = new Set(this.machines.flatMap(each => each.struck))
    const faults = [...found, ...findNeedlessRepeats(this, client, struck, false)]
    return [...faults, ...(client.parkedCount > 0 ? ['It was parked'] : [])].map(fault => `${workflow.name}: ${fault}`)
  }

  /** Ends of processes that nobody asked for, and executions whose log a server could not write. */
  findFaultyProcesses(): string[] {
    return this.machines.flatMap(({ role, exits, errors }) => [
      ...exits.map(exit => `A ${role} ${exit}`),
      ...errors.split('\n').filter(line => line.includes('could not be recorded')),
    ])
  }

  /** The versions of the living processes. */
  async readVersions(): Promise<readonly string[]> {
    const sql = `SELECT body::json->>'version' AS version FROM dagstream.members WHERE alive_until > clock_timestamp() ORDER BY 1`
    return (await execute(this.url, sql)).map(({ version }) => version as string)
  }

  /** The version of the server that coordinates the execution of a client; `undefined` while none does. */
  async readCoordinator({ executionId }: Client): Promise<string | undefined> {
    const sql = `SELECT m.body::json->>'version' AS version FROM dagstream.executions AS e
      JOIN dagstream.members AS m ON m.id = e.holder WHERE e.id = $1 AND e.lease_until > clock_timestamp()`
    const [row] = await execute(this.url, sql, [executionId])
    return row?.['version'] as string | undefined
  }

  async close(): Promise<void> {
    await Promise.all(this.machines.map(machine => machine.close()))
    await this.#redis?.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function flagsOf(redis: RedisServer | undefined): readonly string[] {
  const queue = redis === undefined ? [] : ['--queue', redis.url]
  return ['--tools', TOOLS, '--log-level', 'warn', ...queue]
}

/** Other databases of the cluster have roles, too. */
function urlFor(role: 'server' | 'worker', owner: string): string {
  const url = new URL(owner)
  url.username = `${url.pathname.slice(1)}_${role}`
  return url.href
}

function grantsOf(owner: string): string {
  const database = new URL(owner).pathname.slice(1)
  return GRANTS.replaceAll('DATABASE dagstream ', `DATABASE ${database} `)
    .replaceAll('dagstream_app', `${database}_server`)
    .replaceAll('dagstream_worker', `${database}_worker`)
}

/** Resolves once `read` gives what is wanted. @throws an error with what it gave last */
export async function until<T>(read: () => T | Promise<T>, isWanted: (found: T) => boolean): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; ; await wait(20)) {
    const found = await read()
    if (isWanted(found)) return
    if (Date.now() > end) throw new Error(`After ${PATIENCE_MS} ms it was ${JSON.stringify(found)}`)
  }
}
