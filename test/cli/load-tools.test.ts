import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadTools } from '../../src/cli/input/load-tools.ts'

let cwd: string
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'dagstream-'))
  await writeFile(join(cwd, 'array.mjs'), `export default [{ name: 'mine', execute: () => 1 }]`)
  await writeFile(join(cwd, 'object.mjs'), `export default { mine: () => 1, other: { execute: () => 2, limit: 3 } }`)
  await writeFile(join(cwd, 'none.mjs'), `export const tools = []`)
  await writeFile(join(cwd, 'wrong.mjs'), `export default [{ name: 'mine' }]`)
  await writeFile(join(cwd, 'throws.mjs'), `throw new Error('cannot start')`)
})
afterAll(() => rm(cwd, { recursive: true }))

test('an array of tools, and an object of functions and tools, are tools', async () => {
  expect((await loadTools(undefined, cwd)).names()).toEqual([])
  expect((await loadTools('./array.mjs', cwd)).names()).toEqual(['mine'])
  const tools = await loadTools('object.mjs', cwd)
  expect([tools.names(), tools.get('other')?.limit?.size]).toEqual([['mine', 'other'], 3])
})

test.each([
  ['none.mjs', /^Expected the default export of `none.mjs` to be an array .*, got none$/],
  ['wrong.mjs', /^Tool `mine`: expected `execute` to be a function/],
  ['throws.mjs', /^Cannot load tools from `throws.mjs`: cannot start$/],
  ['.', /^Cannot load tools from `.`: it is a directory; name the file$/],
  ['./missing.mjs', /^Cannot load tools from `.\/missing.mjs`: /],
  ['no-such-package', /^Cannot load tools from `no-such-package`: /],
])('%s is refused with the fault', async (module, message) => {
  await expect(loadTools(module, cwd)).rejects.toThrow(message)
})

test('a package is found from where the command runs', async () => {
  await expect(loadTools('picocolors', join(import.meta.dirname, '..'))).rejects.toThrow('Tool `isColorSupported`')
})
