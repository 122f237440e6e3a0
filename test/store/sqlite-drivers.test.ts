import { existsSync } from 'node:fs'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { findNodeDriver, loadDriver, loadLibsqlDriver } from '../../src/store/sqlite/driver.ts'
import { storeConformance } from '../../src/testing/store-conformance.ts'
import { makePath, openHere, readSeqs, upTo } from './sqlite-rig.ts'
import { StoreChild } from './store-child.ts'

/** Newer Nodes: those that `npm run test:runtimes` has fetched, or the paths in `NODES`. */
const fetched = ['22', '24', '26'].map(major =>
  fileURLToPath(
    new URL(`../../node_modules/.cache/dagstream-runtimes/node_modules/node-${major}/bin/node`, import.meta.url),
  ),
)
const nodes = (process.env['NODES']?.split(delimiter) ?? fetched).filter(path => existsSync(path))

// Without `npm run test:runtimes` there is no Node here but the running one.
test.skipIf(nodes.length === 0)('the SQLite of Node.js and libsql read the files of each other', async () => {
  const file = makePath()
  for (const [at, node] of nodes.entries()) {
    const store = await openHere(file, {}, { driver: await loadLibsqlDriver() })
    const before = await store.list({ limit: 100 })
    await store.close()
    const child = new StoreChild('write', [file, `by ${at}`], node)
    await child.end()
    expect([child.told, child.errors]).toEqual([
      [{ driver: 'node:sqlite', before, lengths: before.map(() => 300) }],
      '',
    ])
  }
  const store = await openHere(file, {}, { driver: await loadLibsqlDriver() })
  for (const at of nodes.keys()) {
    const id = `by ${at}`
    expect(await readSeqs(store, id)).toEqual(upTo(300))
    expect(await store.getOutput(id, 'é')).toBe('"🧵"')
    expect(await store.get(id)).toMatchObject({
      owner: '\ud800 é 🧵',
      workflow: '{"tasks":[]}',
    })
  }
})

// The running one passes it in `test/conformance`.
test.skipIf(nodes.length === 0)('a store on the SQLite of Node.js does what every store must', async () => {
  const { length } = storeConformance(() => openHere(makePath()))
  for (const node of nodes) {
    const child = new StoreChild('conform', [makePath()], node)
    await child.end()
    expect([child.told, child.errors]).toEqual([[{ driver: 'node:sqlite', count: length, failures: [] }], ''])
  }
})

test('the SQLite of Node.js is taken where there is one, without a notice on stderr', async () => {
  const before = Object.getOwnPropertyDescriptor(process, 'emitWarning')
  const said: unknown[] = []
  const hear = (warning: Error): unknown => said.push(warning)
  process.on('warning', hear)
  expect((await loadDriver()).name).toBe(findNodeDriver() === undefined ? 'libsql' : 'node:sqlite')
  await new Promise(resolve => setImmediate(resolve))
  process.off('warning', hear)
  expect([said, Object.getOwnPropertyDescriptor(process, 'emitWarning')]).toEqual([[], before])
})
