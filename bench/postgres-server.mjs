import { execFileSync, spawn } from 'node:child_process'
import { chownSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

const DEBIAN = '/usr/lib/postgresql'

/** A server of PostgreSQL with its own folder and the durability of its defaults. @returns {Promise<{ url: string, pid: number, close: () => Promise<void> }>} */
export async function startPostgres() {
  const [version] = readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a))
  const program = name => join(DEBIAN, version, 'bin', name)
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-bench-postgres-'))
  // It refuses to run as root.
  const id = flag => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }))
  const identity = process.getuid?.() === 0 ? { uid: id('-u'), gid: id('-g') } : {}
  if (identity.uid !== undefined) chownSync(folder, identity.uid, identity.gid)
  const data = join(folder, 'data')
  const initArgs = ['-D', data, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-instructions']
  execFileSync(program('initdb'), initArgs, { ...identity, cwd: folder, stdio: 'ignore' })
  const port = await findFreePort()
  const settings = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`]
  const server = spawn(program('postgres'), ['-D', data, ...settings.flatMap(each => ['-c', each])], {
    ...identity,
    cwd: folder,
    stdio: 'ignore',
  })
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  for (let tries = 0; !(await isReady(url)); tries++) {
    if (tries === 200) throw new Error('PostgreSQL did not start within 10 s')
    await sleep(50)
  }
  return {
    url,
    pid: server.pid,
    async close() {
      const exited = new Promise(resolve => server.once('exit', resolve))
      server.kill('SIGINT')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function isReady(url) {
  const client = new pg.Client(url)
  try {
    await client.connect()
    await client.end()
    return true
  } catch {
    return false
  }
}

export async function findFreePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  const { port } = server.address()
  await new Promise(resolve => server.close(resolve))
  return port
}
