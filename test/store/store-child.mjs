// A process that has a store of the build: `node store-child.mjs MODE FILE …`. It tells what it did, a line of JSON each.
import { writeSync } from 'node:fs'
import { LogEntry, loadDriver, MIGRATIONS, openStore } from '../../dist/internals.js'
import { openSqliteStore } from '../../dist/store/sqlite/index.js'
import { storeConformance } from '../../dist/testing/index.js'

const [mode, file, ...rest] = process.argv.slice(2)
const timestamp = '2026-01-01T00:00:00.000Z'

// At once: what was acknowledged is told before anything else happens.
const tell = value => writeSync(1, `${JSON.stringify(value)}\n`)

const makeEntries = (executionId, firstSeq, count) =>
  Array.from(
    { length: count },
    (_, at) =>
      new LogEntry(firstSeq + at, 'info', { executionId, timestamp, level: 'info', message: `entry ${firstSeq + at}` }),
  )

const MODES = {
  /** Appends to some executions at once until it is killed. */
  async append(durability) {
    const store = await openSqliteStore(file, { durability })
    const write = async executionId => {
      await store.create({ executionId, createdAt: timestamp })
      const lease = await store.claim(executionId)
      for (let seq = 1; ; seq += 3) {
        await store.append(lease, seq, makeEntries(executionId, seq, 3))
        await store.putOutput(lease, 'task', String(seq))
        tell([executionId, seq + 2])
      }
    }
    const round = Date.now()
    await Promise.all(['a', 'b', 'c'].map(name => write(`${name}-${round}`)))
  },

  /** Holds a store with one execution in it, and appends one entry for each line it is sent. */
  async hold() {
    const store = await openSqliteStore(file)
    await store.create({ executionId: 'held', createdAt: timestamp })
    const lease = await store.claim('held')
    tell('open')
    let seq = 0
    for await (const _ of process.stdin) {
      seq += 1
      await store.append(lease, seq, makeEntries('held', seq, 1))
      tell(seq)
    }
    await store.close()
  },

  /** Migrates, and kills itself at the statement of this number. */
  async migrate(killAt) {
    const loaded = await loadDriver()
    let count = 0
    const strike = () => {
      count += 1
      if (count === Number(killAt)) process.kill(process.pid, 'SIGKILL')
    }
    const driver = {
      name: loaded.name,
      open(path) {
        const connection = loaded.open(path)
        if (path.endsWith('-lock')) return connection
        const exec = sql => {
          strike()
          connection.exec(sql)
          strike()
        }
        return { ...connection, exec }
      },
    }
    const fill = of =>
      `CREATE TABLE extra_${of} AS WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 2000) SELECT n FROM n`
    const store = await openStore(file, {}, { driver, migrations: [...MIGRATIONS, fill(1), fill(2)] })
    await store.close()
    tell(count)
  },

  /** Does what every store must do, with the driver of this Node, in one file after the other beside the one given. */
  async conform() {
    const failures = []
    let count = 0
    const stores = []
    const cases = storeConformance(async () => {
      const store = await openSqliteStore(`${file}-${(count += 1)}`)
      stores.push(store)
      return store
    })
    for (const { name, run } of cases) {
      await run().catch(error => failures.push(`${name}: ${error.message}`))
      await stores.pop()?.close()
    }
    tell({ driver: (await loadDriver()).name, count, failures })
  },

  /** Writes with the driver of this Node. */
  async write(executionId) {
    const store = await openSqliteStore(file)
    const before = await store.list({ limit: 100 })
    await store.create({ executionId, createdAt: timestamp, owner: '\ud800 é 🧵', workflow: '{"tasks":[]}' })
    const lease = await store.claim(executionId)
    await store.append(lease, 1, makeEntries(executionId, 1, 300))
    await store.putOutput(lease, 'é', '"🧵"')
    const entries = await Promise.all(before.map(async each => store.read(each.executionId, 0, 1000)))
    await store.close()
    tell({ driver: (await loadDriver()).name, before, lengths: entries.map(({ length }) => length) })
  },
}

await MODES[mode](...rest)
