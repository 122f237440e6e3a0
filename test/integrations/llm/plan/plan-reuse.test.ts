import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createMemoryStore, StreamingExecutor } from '../../../../src/index.ts'
import { openSqliteStore } from '../../../../src/store/sqlite/index.ts'
import { leaveAfter, readKept } from '../../../support/crash.ts'
import { ScriptedModel } from './plan-rig.ts'
import { createTools, line } from './planner-rig.ts'

const DOCUMENT = { tasks: [{ id: 'p', tool: 'llm:plan', arguments: { prompt: 'Do it' } }] }
const LINES = [
  line('a', 'echo', { arguments: { text: 1 } }),
  line('b', 'echo', { arguments: { text: ['$OUTPUT[a]'] } }),
  line('c', 'echo', { arguments: { text: 2 } }),
].join('\n')

test('a fork takes the plan over: nobody is asked again, and tasks are matched by their ids', async () => {
  const store = createMemoryStore()
  const model = new ScriptedModel([LINES])
  const executor = new StreamingExecutor(createTools(model).tools, { store })
  const first = await executor.execute(DOCUMENT)
  const taken = async (from?: string[]): Promise<unknown> => {
    const fork = await executor.fork(first.executionId, from && { from })
    const ends: Record<string, boolean> = {}
    for await (const { type, data } of fork)
      if (type === 'task_complete') ends[data.taskId] = data.reusedFrom !== undefined
    expect((await fork.result).results[0]).toMatchObject({ output: { a: 1, b: [1], c: 2 } })
    return ends
  }
  expect(await taken(['p/a'])).toEqual({ 'p[plan]': true, 'p/a': false, 'p/b': false, 'p/c': true, p: false })
  expect(await taken(['p/c'])).toEqual({ 'p[plan]': true, 'p/a': true, 'p/b': true, 'p/c': false, p: false })
  expect(model.requests).toHaveLength(1)
})

test('a fork that plans again takes over the tasks that it plans alike', async () => {
  const store = createMemoryStore()
  const model = new ScriptedModel([LINES, LINES.replace('"text":2', '"text":3')])
  const executor = new StreamingExecutor(createTools(model).tools, { store })
  const first = await executor.execute(DOCUMENT)
  const fork = await executor.fork(first.executionId, { from: ['p[plan]'] })
  const taken: string[] = []
  for await (const { type, data } of fork) if (type === 'task_complete' && data.reusedFrom) taken.push(data.taskId)
  expect(taken.sort()).toEqual(['p/a', 'p/b'])
  expect((await fork.result).results[0]).toMatchObject({ output: { a: 1, b: [1], c: 3 } })
})

test('on SQLite a planner goes on after a crash at any event', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'plan-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const memory = createMemoryStore()
  const whole = await new StreamingExecutor(createTools(new ScriptedModel([LINES])).tools, { store: memory }).execute(
    DOCUMENT,
  )
  const kept = await readKept(memory, whole.executionId)
  for (let count = 1; count < kept.entries.length; count += 2) {
    const path = join(folder, `${count}.db`)
    const store = await openSqliteStore(path)
    await leaveAfter(kept, count, { store })
    const executor = new StreamingExecutor(createTools(new ScriptedModel([LINES])).tools, { store })
    const { results } = await (await executor.resume(whole.executionId)).result
    expect(results[0]).toMatchObject({ status: 'success', output: { a: 1, b: [1], c: 2 } })
    await store.close()
  }
})

test('without the tool that planned, the execution ends for the lack of it', async () => {
  const memory = createMemoryStore()
  const { tools } = createTools(new ScriptedModel([LINES]))
  const whole = await new StreamingExecutor(tools, { store: memory }).execute(DOCUMENT)
  const kept = await readKept(memory, whole.executionId)
  for (let count = 1; count < kept.entries.length - 2; count++) {
    const store = await leaveAfter(kept, count)
    const executor = new StreamingExecutor(tools.slice(1), { store })
    const { results } = await (await executor.resume(whole.executionId)).result
    expect(results[0], `after ${count}`).toMatchObject({ status: 'error', code: 'TOOLS_UNAVAILABLE' })
  }
})
