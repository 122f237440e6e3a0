import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chownSync, closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

/** Where Debian puts the programs of each version of PostgreSQL. */
const DEBIAN = '/usr/lib/postgresql'

/** The folder of the newest installed version; `undefined`, said once, if there is none. */
export const programs: string | undefined = findPrograms()

function findPrograms(): string | undefined {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map(version => join(DEBIAN, version, 'bin')), ...(process.env['PATH'] ?? '').split(':')]
  const found = folders.find(folder => existsSync(join(folder, 'initdb')))
  if (found === undefined) {
    console.warn('Skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)')
  }
  return found
}

/** A server of PostgreSQL with a folder of its own, on which nothing is durable. */
export interface Cluster {
  readonly folder: string
  readonly port: number
  readonly processId: number
}

/** PostgreSQL refuses to run as root: then it runs as its own user. */
function findIdentity(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {}
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/**
 * Starts a server in a new folder. It ends with this process at the latest: a shell waits for that.
 * @param settings further ones, such as `ssl=on`
 * @param prepare called with the folder of the data before the start
 */
export async function startCluster(
  settings: readonly string[] = [],
  prepare: (data: string) => void = () => {},
  lifetimeOf: number = process.pid,
): Promise<Cluster> {
  const identity = findIdentity()
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-postgres-'))
  if (identity.uid !== undefined) chownSync(folder, identity.uid, identity.gid as number)
  const data = join(folder, 'data')
  const made = spawnSync(
    join(programs as string, 'initdb'),
    ['-D', data, '-U', 'postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C', '--no-instructions'],
    { ...identity, cwd: folder, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  prepare(data)
  return startServer(folder, await findFreePort(), settings, lifetimeOf)
}

/** Starts the server of a folder, again after `stopServer`. */
export async function startServer(
  folder: string,
  port: number,
  settings: readonly string[] = [],
  lifetimeOf: number = process.pid,
): Promise<Cluster> {
  const own = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    `unix_socket_directories=${folder}`,
    'fsync=off',
    'full_page_writes=off',
    'max_connections=200',
    'autovacuum_naptime=1d',
    'shared_buffers=32MB',
  ]
  const flags = [...own, ...settings].flatMap(setting => ['-c', setting])
  const data = join(folder, 'data')
  const log = openSync(join(folder, 'log'), 'a')
  const server = spawn(join(programs as string, 'postgres'), ['-D', data, ...flags], {
    ...findIdentity(),
    cwd: folder,
    detached: true,
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  server.unref()
  const processId = server.pid as number
  // The shell outlives a test run that was killed for a second, and stops the server.
  const script = `while kill -0 ${lifetimeOf} && kill -0 ${processId}; do sleep 1; done; kill -QUIT ${processId}`
  spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' }).unref()
  await waitUntilReady(folder, port)
  return { folder, port, processId }
}

/** Ends a server at once, as a crash does. Resolves once it is gone. */
export async function stopServer({ folder, processId }: Cluster): Promise<void> {
  process.kill(processId, 'SIGQUIT')
  while (isAlive(processId)) await sleep(10)
  rmSync(join(folder, 'data', 'postmaster.pid'), { force: true })
}

export function removeFolder({ folder }: Pick<Cluster, 'folder'>): void {
  rmSync(folder, { recursive: true, force: true })
}

async function waitUntilReady(folder: string, port: number): Promise<void> {
  for (const end = Date.now() + 30_000; ; ) {
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'postgres', database: 'postgres' })
    try {
      await client.connect()
      return await client.end()
    } catch (error) {
      if (Date.now() > end) {
        throw new Error(`PostgreSQL did not start: ${readFileSync(join(folder, 'log'), 'utf8')}`, { cause: error })
      }
      await sleep(20)
    }
  }
}

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch {
    return false
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address() as { port: number }
  await new Promise(resolve => server.close(resolve))
  return port
}
