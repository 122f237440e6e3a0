import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { createMemoryStore, type DAGStructure, type DAGTask, humanAskTool, StreamingExecutor } from '../../src/index.ts'
import { LogEntry } from '../../src/events/log-entry.ts'
import { readKept } from '../support/crash.ts'
import { idle } from '../support/fake-clock.ts'
import { openSqliteStore } from '../../src/store/sqlite/index.ts'
import { runRemotely, SERVER, startFakeServer } from './remote-rig.ts'
import { makeFolder, openHere, parseLines, type Ran, runIn } from './store-rig.ts'

afterEach(() => {
  vi.unstubAllGlobals()
})

const ask = (id: string, more: object = {}): DAGTask => ({
  id,
  tool: 'human:ask',
  arguments: { message: `${id}?`, ...more },
})

/** Leaves in a file what a process leaves that ends while it waits for people. @returns the id */
async function leaveWaiting(file: string, document: DAGStructure): Promise<string> {
  const memory = createMemoryStore()
  const { executionId } = new StreamingExecutor([humanAskTool], { store: memory }).stream(document)
  await idle()
  const { record, entries } = await readKept(memory, executionId)
  const store = await openSqliteStore(file)
  await store.create(record)
  const lease = await store.claim(executionId)
  const kept = entries.map(({ seq, type, json }) => LogEntry.fromJson(seq, type, json))
  await store.append(lease, 1, kept)
  await store.close()
  return executionId
}

test('questions in a file that nobody writes are listed and answered, and `resume` goes on with the answers', async () => {
  const folder = makeFolder()
  const file = join(folder, 'x.db')
  const document = { tasks: [ask('a', { schema: { type: 'string' } }), ask('b'), { ...ask('c'), approve: 'Go?' }] }
  const id = await leaveWaiting(file, document)
  const run = (argv: string): Promise<Ran> => runIn(folder, `executions ${argv} --store x.db`)
  const listed = await run('inputs')
  expect(listed.stdout.split('\n').sort()).toEqual(['', `${id} a.1  a?`, `${id} b.1  b?`, `${id} c.0  approve: Go?`])
  expect(JSON.parse((await run(`inputs ${id} --json`)).stdout)).toHaveLength(3)
  expect((await run(`answer ${id} a.1 5`)).code).toBe(1)
  expect((await run(`answer ${id} a.1 no-json`)).code).toBe(2)
  expect((await run(`answer ${id} a.1`)).code).toBe(2)
  expect(await run(`answer ${id} a.1 "yes"`)).toMatchObject({ code: 0, stderr: 'Question a.1 is answered\n' })
  expect((await run(`answer ${id} a.1 "again"`)).stderr).toContain('not open any more')
  expect((await run(`answer ${id} none.1 1`)).stderr).toContain('no question')
  expect((await run(`answer ${id} b.1 --decline`)).stderr).toBe('Question b.1 is declined\n')
  expect((await run(`answer ${id} c.0 false`)).code).toBe(0)
  expect(await run('inputs')).toMatchObject({ stdout: '', stderr: 'There are none\n' })
  const resumed = await run(`resume ${id} --json`)
  const { results } = JSON.parse(resumed.stdout) as { results: { output?: unknown; code?: string }[] }
  expect(results.map(({ output, code }) => output ?? code)).toEqual(['yes', 'INPUT_DECLINED', 'INPUT_DECLINED'])
  const store = await openHere(file)
  expect((await store.get(id))?.status).toBe('partial')
})

test('questions of a server are listed and answered', async () => {
  startFakeServer()
  const running = runRemotely({ tasks: [ask('a/b'), { id: 'w', tool: 'echo' }] }, '--json')
  const on = (argv: string): Promise<Ran> => runIn(makeFolder(), `executions ${argv} --server ${SERVER}`)
  await vi.waitFor(async () => expect((await on('inputs')).stdout).toContain('a/b.1'))
  const [id = ''] = (await on('inputs')).stdout.split(' ')
  expect((await on(`inputs ${id}`)).stdout).toBe(`${id} a/b.1  a/b?\n`)
  expect(await on(`answer ${id} a/b.1 {"n":1}`)).toMatchObject({ code: 0 })
  const { stdout } = await running
  expect(parseLines(stdout.text)[0]).toMatchObject({ status: 'success', results: [{ output: { n: 1 } }, {}] })
  expect((await on(`answer ${id} a/b.1 1`)).code).toBe(1)
})

test('without a terminal a question without expiry expires at once, in memory and in a file', async () => {
  const folder = makeFolder()
  for (const more of ['', ' --store x.db']) {
    const ran = await runIn(folder, `run - --json${more}`, { tasks: [ask('a'), { ...ask('b'), approve: true }] })
    const { results } = JSON.parse(ran.stdout) as { results: { code?: string }[] }
    expect([ran.code, results.map(({ code }) => code)]).toEqual([1, ['INPUT_EXPIRED', 'INPUT_DECLINED']])
  }
})
