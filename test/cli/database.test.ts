import { describe, expect, test } from 'vitest'
import { openPostgresStore } from '../../src/store/postgres/index.ts'
import { makeEnd, makeEntries, makeRecord } from '../../src/testing/store-fixtures.ts'
import { createDatabase, createEmptyDatabase, isPostgresMissing } from '../support/postgres.ts'
import { makeFolder, parseLines, runIn } from './store-rig.ts'

/** An execution that has ended. @returns its id */
async function keepEnded(url: string): Promise<string> {
  const store = await openPostgresStore(url)
  const workflow = JSON.stringify({ name: 'greeting', tasks: [{ id: 'a', tool: 'echo' }] })
  const { executionId } = makeRecord()
  await store.create(makeRecord({ executionId, workflow }))
  const lease = await store.claim(executionId)
  await store.append(lease, 1, [...makeEntries(executionId, 1, 2), makeEnd(executionId, 3, 'success')])
  await store.remember?.({ key: 'k' }, { executionId, taskId: 'a', output: '1' })
  await store.close()
  return executionId
}

const withPassword = (url: string): string => url.replace('postgres@', 'postgres:hidden-word@')
const addressOf = (url: string): string => url.replace('postgres@', '')

describe.skipIf(isPostgresMissing)('a database as a store', () => {
  test('is migrated once, and checked, without its password in the output', async () => {
    const url = withPassword(await createEmptyDatabase())
    const cwd = makeFolder()
    const before = await runIn(cwd, `store check ${url}`)
    expect(before).toMatchObject({ code: 1, stderr: expect.stringContaining('dagstream store migrate') as unknown })
    const first = await runIn(cwd, `store migrate ${url}`)
    expect(first.code).toBe(0)
    expect(first.stderr).toMatch(/^Version 1: .+\nVersion 2: .+\n/)
    const second = await runIn(cwd, `store migrate ${url}`)
    expect([second.code, second.stderr]).toEqual([
      0,
      `${addressOf(url.replace(':hidden-word', ''))} has nothing to migrate: version 2\n`,
    ])
    const checked = await runIn(cwd, `store check ${url}`)
    expect([checked.code, checked.stderr]).toEqual([
      0,
      `${addressOf(url.replace(':hidden-word', ''))} is ready: version 2\n`,
    ])
    expect(JSON.stringify([before, first, second, checked])).not.toContain('hidden-word')
  })

  test('a file is neither migrated nor checked', async () => {
    expect(await runIn(makeFolder(), 'store migrate runs.db')).toMatchObject({ code: 2 })
  })

  test('its executions are listed, shown, exported and deleted', async () => {
    const url = await createDatabase()
    const id = await keepEnded(url)
    const cwd = makeFolder()
    const listed = await runIn(cwd, `executions list --store ${url} --json`)
    expect(JSON.parse(listed.stdout)).toMatchObject([{ executionId: id, status: 'success', name: 'greeting' }])
    const exported = await runIn(cwd, `executions export ${id} --store ${url}`)
    expect(parseLines(exported.stdout)).toHaveLength(4)
    expect(await runIn(cwd, `executions cache clear --store ${url}`)).toMatchObject({ stderr: '1 output forgotten\n' })
    expect((await runIn(cwd, `executions delete ${id} --store ${url}`)).code).toBe(0)
    const missing = await runIn(cwd, `executions show ${id} --store ${withPassword(url)}`)
    expect(missing.code).not.toBe(0)
    expect(missing.stderr).toContain(addressOf(url))
    expect(missing.stderr).not.toContain('hidden-word')
  })

  test('is backed up by its own program', async () => {
    const { code, stderr } = await runIn(makeFolder(), 'executions backup copy.db --store postgres://localhost/any')
    expect([code, stderr]).toEqual([2, expect.stringContaining('pg_dump')])
  })
})
