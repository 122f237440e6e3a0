import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram } from './programs.ts'

const program = findProgram('nginx', 'nginx')

export const isNginxMissing = program.isMissing

/** The settings of `docs/readers.md`: what a proxy needs beside them it does by itself. */
export const RECOMMENDED = `
      proxy_http_version 1.1;
      proxy_read_timeout 60s;
`

/** An nginx of the test's own, with its files in a folder of its own. */
export interface Nginx {
  readonly url: string
  readonly close: () => Promise<void>
}

/** Passes everything on to `port`; compresses whatever it may, as many installations do. */
export async function startNginx(port: number, settings = RECOMMENDED): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-nginx-'))
  const own = await findFreePort()
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  ${temporary.map(name => `${name}_temp_path ${name};`).join('\n  ')}
  gzip on;
  gzip_types *;
  server {
    listen 127.0.0.1:${own};
    location / {
      proxy_pass http://127.0.0.1:${port};${settings}    }
  }
}
`,
  )
  const child = spawn(program.path, ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaints = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaints += text
  })
  const exited = once(child, 'exit')
  while (!(await isListening(own))) {
    if (child.exitCode !== null) throw new Error(`nginx did not start: ${complaints}`)
    await sleep(10)
  }
  return {
    url: `http://127.0.0.1:${own}`,
    async close() {
      child.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

function isListening(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
