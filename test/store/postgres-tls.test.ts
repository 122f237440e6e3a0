import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, copyFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkPostgresStore, migratePostgresStore } from '../../src/store/postgres/index.ts'
import { findProgram } from '../readers/programs.ts'
import { isPostgresMissing } from '../support/postgres.ts'
import { type Cluster, removeFolder, startCluster, stopServer } from '../support/postgres-cluster.ts'

const openssl = findProgram('openssl', 'openssl')

describe.skipIf(isPostgresMissing || openssl.isMissing)('TLS to PostgreSQL', () => {
  let cluster: Cluster
  let authority: string
  const urlWith = (parameters: string, host = 'localhost'): string =>
    `postgres://postgres@${host}:${cluster.port}/postgres?${parameters}`

  beforeAll(async () => {
    cluster = await startCluster(['ssl=on'], data => {
      const [key, certificate] = [join(data, 'server.key'), join(data, 'server.crt')]
      const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
      const made = [
        'req',
        '-x509',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-days',
        '2',
        ...subject,
        '-keyout',
        key,
        '-out',
        certificate,
      ]
      execFileSync(openssl.path, made, { stdio: 'ignore' })
      const { uid, gid } = statSync(data)
      for (const file of [key, certificate]) {
        chmodSync(file, 0o600)
        chownSync(file, uid, gid)
      }
      authority = join(data, '..', 'authority.crt')
      copyFileSync(certificate, authority)
    })
  }, 60_000)
  afterAll(async () => {
    await stopServer(cluster)
    removeFolder(cluster)
  })

  test('checks who answers by the given authority, also for the name of the host', async () => {
    const trusted = `sslmode=verify-full&sslrootcert=${authority}`
    await migratePostgresStore(urlWith(trusted))
    expect(await checkPostgresStore(urlWith(trusted))).toMatchObject({ found: expect.any(Number) as number })
    await expect(checkPostgresStore(urlWith(trusted, '127.0.0.1'))).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(checkPostgresStore(urlWith('sslmode=verify-full'))).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.stringContaining('self-signed certificate') as unknown,
    })
  })

  test('a mode that does not exist is refused', async () => {
    await expect(checkPostgresStore(urlWith('sslmode=verify_full'))).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('encrypts without a check for `require`, and not at all for `disable`', async () => {
    await migratePostgresStore(urlWith('sslmode=require'))
    expect((await checkPostgresStore(urlWith('sslmode=require', '127.0.0.1'))).found).toBeGreaterThan(0)
    expect((await checkPostgresStore(urlWith('sslmode=disable', '127.0.0.1'))).found).toBeGreaterThan(0)
  })
})
