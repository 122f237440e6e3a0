import { describe, expect, test } from 'vitest'
import { createEmptyDatabase, isPostgresMissing } from '../support/postgres.ts'
import { run } from './fake-process.ts'

const SERVE = ['serve', '--port', '0']

test.each([
  ['--lease', '5000'],
  ['--no-work'],
  ['--tools-wait', '1000'],
  ['--max-running-per-owner', '4'],
  ['--queue', 'redis://127.0.0.1'],
])('%s is refused with a store of one process', async (...flags) => {
  const { code, stderr } = await run([...SERVE, '--store', 'memory', ...flags])
  expect([code, stderr]).toEqual([2, expect.stringContaining(`Expected --store to be postgres://… with ${flags[0]}`)])
})

test('the durability of a file is refused with a database', async () => {
  const { code, stderr } = await run([...SERVE, '--store', 'postgres://127.0.0.1:1/none', '--durability', 'full'])
  expect([code, stderr]).toEqual([2, expect.stringContaining('Expected a file as --store with --durability')])
})

describe.skipIf(isPostgresMissing)('with PostgreSQL', () => {
  test('a server ends on a database that was not migrated, and names the command', async () => {
    const { code, stderr } = await run([...SERVE, '--store', await createEmptyDatabase()])
    expect([code, stderr]).toEqual([1, expect.stringContaining('store migrate')])
  })
})
