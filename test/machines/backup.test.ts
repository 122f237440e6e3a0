import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findFaults } from '../kill/checks.ts'
import { ASKING } from '../kill/kill-workflows.ts'
import { readOutcome } from '../kill/outcome.ts'
import { readCalls } from '../kill/site.ts'
import { createDatabase, createEmptyDatabase, isPostgresMissing } from '../support/postgres.ts'
import { programs } from '../support/postgres-cluster.ts'
import { Client } from './client.ts'
import { Machine, type Role } from './machine.ts'
import { readPostgresLog } from './stored-log.ts'

const tools = fileURLToPath(new URL('../kill/kill-tools.mjs', import.meta.url))

describe.skipIf(isPostgresMissing)('a backup by pg_dump', () => {
  test('continues in another database: its open questions, its attempts, its readers', async () => {
    const [url, other] = [await createDatabase(), await createEmptyDatabase()]
    const folder = mkdtempSync(join(tmpdir(), 'dagstream-dump-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const calls = join(folder, 'calls')
    const start = async (role: Role, at: string): Promise<Machine> => {
      const machine = await Machine.start(role, at, ['--tools', tools, '--lease', '2000'], { CALLS: calls })
      onTestFinished(() => machine.close())
      await machine.ready
      return machine
    }
    const place = { servers: [] as Machine[], readCalls: () => readCalls(calls) }
    const before = [await start('server', url), await start('worker', url)] as const
    place.servers = [before[0]]
    const undisturbed = new Client(place, ASKING, 'first', 0)
    await undisturbed.follow()
    const expected = readOutcome(await undisturbed.fetchResult())

    const client = new Client(place, { ...ASKING, name: 'restored' }, 'second', 0)
    const followed = client.follow()
    await new Promise<void>(resolve => {
      client.onEvent = () => {
        if (client.seen.at(-1)?.type === 'input_required') resolve()
      }
    })
    // The processes are gone; what they have in the database is all there is.
    for (const machine of before) await machine.close()
    place.servers = []
    const dump = join(folder, 'dump.sql')
    const pg = (name: string, ...argv: readonly string[]): unknown =>
      execFileSync(join(programs as string, name), argv, { stdio: ['ignore', 'ignore', 'pipe'] })
    pg('pg_dump', '--schema=dagstream', '--file', dump, url)
    pg('psql', '--quiet', '--set', 'ON_ERROR_STOP=1', '--file', dump, other)
    place.servers = [await start('server', other)]
    await start('worker', other)
    await followed

    const log = await readPostgresLog(other, client.executionId as string)
    const history = { deaths: [], readCalls: place.readCalls }
    expect(findFaults(history, client, log, await client.fetchResult(), expected)).toEqual([])
    // New executions get new rows.
    const third = new Client(place, ASKING, 'third', 0)
    await third.follow()
    expect(readOutcome(await third.fetchResult())).toEqual(expected)
  }, 120_000)
})
