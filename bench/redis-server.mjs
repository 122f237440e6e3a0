import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { findFreePort } from './postgres-server.mjs'

/** A server of Redis with its own folder, which keeps nothing. @returns {Promise<{ url: string, port: number, close: () => Promise<void> }>} */
export async function startRedis() {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-bench-redis-'))
  const port = await findFreePort()
  const settings = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '']
  const server = spawn('redis-server', settings, { stdio: 'ignore' })
  const exited = new Promise(resolve => server.once('exit', resolve))
  await untilReady(port)
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async close() {
      server.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilReady(port) {
  const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: () => 50 })
  client.on('error', () => {})
  for (let tries = 0; client.status !== 'ready'; tries++) {
    if (tries === 0) client.connect().catch(() => {})
    if (tries === 200) throw new Error('Redis did not start within 10 s')
    await sleep(50)
  }
  client.disconnect()
}
