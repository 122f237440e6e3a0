import { expect, test } from 'vitest'
import {
  createMemoryStore,
  type ExecutionStore,
  type SSEEvent,
  StreamingExecutor,
  type StoredEntry,
} from '../../src/index.ts'
import { answerLater } from '../conformance/later-store.ts'
import { FakeSink } from '../log/sinks.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { readAll } from './iterator-rig.ts'
import { makeExecutor, WORKFLOW } from './store-rig.ts'

function outlineSorted(events: readonly SSEEvent[]): string[] {
  return events.map(({ type, data }) => `${type} ${(data as { taskId?: string }).taskId}`).sort()
}

test('on every store an execution has the same events, the same result and the same log', async () => {
  const expectedRun = makeExecutor().stream(WORKFLOW)
  const expected = await readAll(expectedRun)
  const results = await expectedRun.result
  for (const store of [createMemoryStore(), answerLater(createMemoryStore())]) {
    const execution = makeExecutor(store).stream(WORKFLOW)
    const events = await readAll(execution)
    expect(outlineSorted(events)).toEqual(outlineSorted(expected))
    expect(await execution.result).toEqual(results)
    expect(events.map(({ id }) => id)).toEqual(events.map((_, i) => `x.${i + 1}`))
    const stored = await store.read('x', 0, 1000)
    expect(stored.map(({ seq, type, json }) => [seq, type, JSON.parse(json)])).toEqual(
      events.map(({ type, data }, i) => [i + 1, type, data]),
    )
    expect((await store.get('x'))?.status).toBe('partial')
  }
})

test('a dependent starts only after the store has the ends of its dependencies', async () => {
  const inner = createMemoryStore()
  const tool = new ControlledTool()
  let release: (() => void) | undefined
  let isHeld = false
  const store: ExecutionStore = {
    ...inner,
    async append(lease, first, entries) {
      if (isHeld) await new Promise<void>(resolve => (release = resolve))
      await inner.append(lease, first, entries)
    },
  }
  const executor = new StreamingExecutor({ work: { execute: tool.execute } }, { clock: new FakeClock(), store })
  const execution = executor.stream({
    tasks: [
      { id: 'a', tool: 'work' },
      { id: 'b', tool: 'work', dependsOn: ['a'] },
    ],
  })
  const iterator = execution[Symbol.asyncIterator]()
  const a = await tool.nextCall('a')
  const first = [await iterator.next(), await iterator.next()].map(({ value }) => value?.type)
  isHeld = true
  a.succeed()
  const third = iterator.next()
  let isVisible = false
  void third.then(() => void (isVisible = true))
  await tool.idle()
  expect([first, isVisible, tool.started]).toEqual([['execution_start', 'task_start'], false, ['a']])
  isHeld = false
  release?.()
  expect((await third).value).toMatchObject({ type: 'task_complete', data: { taskId: 'a' } })
  await tool.succeedAll()
  expect((await execution.result).status).toBe('success')
})

test('a sink gets what memory has evicted from the store, all of it', async () => {
  // 20 MiB of tokens: more than the log keeps in memory.
  const entries: StoredEntry[] = []
  const inner = answerLater(createMemoryStore())
  const store: ExecutionStore = {
    ...inner,
    append: async (lease, first, batch) => {
      await inner.append(lease, first, batch)
      for (const { seq, type, json } of batch) entries.push({ seq, type, json })
    },
    async read(_, afterSeq, limit) {
      for (let turn = 0; turn < 5; turn++) await idle()
      return entries.slice(afterSeq, afterSeq + limit)
    },
  }
  const executor = new StreamingExecutor({
    async flood(_, context) {
      for (let i = 0; i < 320; i++) {
        context.emitToken(`${i} `.padEnd(64 * 1024))
        await new Promise(resolve => setImmediate(resolve))
      }
    },
  })
  const sink = new FakeSink({ isHeld: true })
  const run = executor.executeWithStreaming({ tasks: [{ id: 'a', tool: 'flood' }] }, sink.stream, {
    store,
    flushMs: 10_000,
    logger: { debug() {}, warn() {} },
  })
  while (!entries.some(({ type }) => type === 'execution_complete')) await idle()
  sink.release()
  expect(await run).toMatchObject({ status: 'success', delivery: 'complete' })
  const text = sink.events.map(event => (event.type === 'token' ? event.data.text : '')).join('')
  const found = text.split(/\s+/).filter(Boolean).map(Number)
  expect([found.length, found.every((number, i) => number === i)]).toEqual([320, true])
  expect(sink.types.at(-1)).toBe('execution_complete')
})
