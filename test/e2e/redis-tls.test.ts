import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findProgram } from '../readers/programs.ts'
import { expectBuild } from './program.ts'
import { isRedisMissing, type RedisServer, startRedis } from '../support/redis.ts'

const openssl = findProgram('openssl', 'openssl')

/** Opens a dispatcher in a process, whose environment names the authorities that it trusts, and prints the warnings. */
const PROGRAM = `
  import { openBullmqDispatcher } from ${JSON.stringify(new URL('../../dist/dispatch/bullmq/index.js', import.meta.url).href)}
  const note = (message, fields) => console.log(message, JSON.stringify(fields))
  const dispatcher = await openBullmqDispatcher(process.env.QUEUE, { logger: { debug() {}, warn: note } })
  const command = { executionId: 'x', taskId: 'a', attempt: 1, tool: 'work' }
  await dispatcher.dispatch([{ priority: 0, command }])
  await dispatcher.close()
  console.log('closed')
`

describe.skipIf(isRedisMissing || openssl.isMissing)('TLS to Redis', () => {
  const folder = mkdtempSync(join(tmpdir(), 'dagstream-redis-tls-'))
  const [key, certificate] = [join(folder, 'server.key'), join(folder, 'server.crt')]
  let redis: RedisServer
  let port = 0

  beforeAll(async () => {
    expectBuild()
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const files = ['-keyout', key, '-out', certificate]
    execFileSync(openssl.path, ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject, ...files], {
      stdio: 'ignore',
    })
    // A second port beside the plain one.
    const plain = await startRedis()
    port = plain.port
    await plain.close()
    const tls = ['--tls-port', `${port}`, '--tls-cert-file', certificate, '--tls-key-file', key]
    redis = await startRedis([...tls, '--tls-ca-cert-file', certificate, '--tls-auth-clients', 'no'])
  }, 60_000)
  afterAll(async () => {
    await redis.close()
    rmSync(folder, { recursive: true, force: true })
  })

  async function openIn(host: string, env: Record<string, string>): Promise<string> {
    const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
      env: { ...process.env, ...env, QUEUE: `rediss://:hidden-word@${host}:${port}` },
    })
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', piece => (text += piece))
    await once(child, 'close')
    expect(text).toContain('closed')
    expect(text).not.toContain('hidden-word')
    return text
  }

  test('an authority that nobody knows is refused, and a known one is used', async () => {
    expect(await openIn('localhost', {})).toContain('self-signed certificate')
    const known = { NODE_EXTRA_CA_CERTS: certificate }
    // The name of the host is checked, too.
    expect(await openIn('127.0.0.1', known)).toMatch(/ALTNAME|altnames|does not match/)
    const trusted = await openIn('localhost', known)
    expect(trusted).not.toContain('certificate')
  })
})
