import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const program = ['/usr/bin', ...(process.env['PATH'] ?? '').split(':')]
  .map(folder => join(folder, 'redis-server'))
  .find(path => existsSync(path))
if (program === undefined) console.warn('Skipped: Redis is not installed (Debian: apt-get install redis-server)')

/** Whether Redis is not installed: then its tests are skipped, and this is said. */
export const isRedisMissing: boolean = program === undefined

/** A server of Redis of one test, in a folder of its own. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Ends it as a crash does: `kill -9`. Resolves once it is gone. */
  kill(): Promise<void>
  /** Starts it again, with the data of its last append-only file, if it keeps one. */
  start(): Promise<void>
  /** Ends it and removes its folder. */
  close(): Promise<void>
}

/** Starts a server. It ends with this process at the latest. @param settings further ones, such as `['--appendonly', 'yes']` */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-redis-'))
  const port = await findFreePort()
  let server: ChildProcess | undefined
  let gone = Promise.resolve()
  const end = (): void => void server?.kill('SIGKILL')
  process.once('exit', end)
  const start = async (): Promise<void> => {
    const own = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '']
    const child = spawn(program as string, [...own, ...settings], { stdio: 'ignore' })
    server = child
    gone = new Promise(resolve => child.once('exit', () => resolve()))
    await untilListening(port, () => child.exitCode !== null)
  }
  const kill = async (): Promise<void> => {
    end()
    await gone
  }
  await start()
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    kill,
    start,
    async close() {
      process.off('exit', end)
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilListening(port: number, hasEnded: () => boolean): Promise<void> {
  for (const end = Date.now() + 10_000; ; await sleep(20)) {
    const isListening = await new Promise<boolean>(resolve => {
      const socket = createConnection({ port, host: '127.0.0.1' })
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
      socket.once('connect', () => socket.destroy())
    })
    if (isListening) return
    if (hasEnded() || Date.now() > end) throw new Error(`Redis did not start on port ${port}`)
  }
}

function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })
}
