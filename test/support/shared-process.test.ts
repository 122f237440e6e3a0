import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

// Files of the project `together` of vitest.config.ts share a process and its modules.

const folder = fileURLToPath(new URL('..', import.meta.url))
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .map(path => path.replaceAll('\\', '/'))
  .filter(path => path.endsWith('.ts'))
  .sort()

const matching = (paths: readonly string[], pattern: RegExp): string[] =>
  paths.filter(path => pattern.test(readFileSync(`${folder}/${path}`, 'utf8')))

test('no rig registers a hook when it is imported: only the first file of a process would have it', () => {
  const rigs = files.filter(path => !path.endsWith('.test.ts'))
  // The setup runs for each file, and the files of test/store run apart.
  expect(matching(rigs, /^(?:before|after)(?:Each|All)\(/m)).toEqual([
    'store/postgres-rig.ts',
    'store/sqlite-rig.ts',
    'support/unhandled.ts',
  ])
})

test('a file that replaces modules runs apart: the next file of its process would have them too', () => {
  expect(matching(files, /^\s*vi\.(?:mock|doMock|resetModules)\(/m)).toEqual([
    'eager/growth-limits.test.ts',
    'integrations/llm/failures.test.ts',
    'integrations/mcp/process-start.test.ts',
    'store/batches.test.ts',
  ])
})
