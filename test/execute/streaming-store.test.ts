import { describe, expect, test } from 'vitest'
import {
  createLimit,
  createMemoryStore,
  type DAGStructure,
  DagstreamError,
  type ExecutionStore,
  type SSEEvent,
  StreamingExecutor,
  type StoredEntry,
  type Tool,
  type ToolContext,
} from '../../src/index.ts'
import { answerLater } from '../conformance/later-store.ts'
import { FakeSink } from '../stream/sinks.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { fan } from '../support/workflows.ts'

const WORKFLOW: DAGStructure = {
  name: 'everything',
  tasks: [
    { id: 'a', tool: 'echo', arguments: { give: { n: [1] } } },
    { id: 'b', tool: 'echo', arguments: { give: '$OUTPUT[a].n' } },
    { id: 'bad', tool: 'fail', dependsOn: ['a'] },
    { id: 'skipped', tool: 'echo', dependsOn: ['bad'] },
    { id: 'model', tool: 'model', arguments: { prompt: '${OUTPUT[b][0]} tokens' } },
  ],
}

const TOOLS: Record<string, Omit<Tool, 'name'>> = {
  echo: { execute: ({ give = null }) => give },
  fail: {
    execute() {
      throw new Error('no')
    },
  },
  model: {
    async execute({ prompt }, context) {
      for (const text of ['Hel', 'lo']) {
        context.emitToken(text)
        await idle()
      }
      context.reportProgress({ progress: 1, total: 1 })
      context.reportUsage({ totalTokensIn: 3, totalTokensOut: 2 })
      context.log('info', String(prompt))
      return 'Hello'
    },
  },
}

function makeExecutor(store?: ExecutionStore, clock = new FakeClock()): StreamingExecutor {
  return new StreamingExecutor(TOOLS, { clock, createId: () => 'x', ...(store && { store }) })
}

async function readAll(events: AsyncIterable<SSEEvent>): Promise<SSEEvent[]> {
  const read: SSEEvent[] = []
  for await (const event of events) read.push(event)
  return read
}

/** Fails from the `count`th append on, at once or later. */
function failing(count: number, error: unknown, isLater: boolean): ExecutionStore {
  const inner = createMemoryStore()
  const store = isLater ? answerLater(inner) : inner
  let appends = 0
  return {
    ...store,
    append(lease, first, entries) {
      appends += 1
      if (appends < count) return store.append(lease, first, entries)
      if (!isLater) throw error
      return idle().then(() => Promise.reject(error))
    },
  }
}

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

test('a dependent starts only after the store has what it depends on', async () => {
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

describe('a store that fails', () => {
  const failures: [name: string, error: unknown, code: string][] = [
    ['an error', new Error('disk full'), 'STORE_FAILED'],
    ['undefined', undefined, 'STORE_FAILED'],
    ['FENCED', new DagstreamError('FENCED', 'Claimed'), 'FENCED'],
    ['SEQ_CONFLICT', new DagstreamError('SEQ_CONFLICT', 'Another'), 'SEQ_CONFLICT'],
  ]
  for (const [name, error, code] of failures) {
    for (const isLater of [false, true]) {
      test(`with ${name}, ${isLater ? 'later' : 'at once'}: aborts the tools, ends readers with an error event`, async () => {
        const tool = new ControlledTool()
        const clock = new FakeClock()
        const store = failing(2, error, isLater)
        const executor = new StreamingExecutor(
          { work: { execute: tool.execute } },
          { clock, store, createId: () => 'x' },
        )
        const execution = executor.stream(fan(2))
        const read = readAll(execution)
        const [first, second] = await tool.nextCalls('t0', 't1')
        expect(second.context.signal.aborted).toBe(false)
        first.succeed()
        // Before the result is asked for: it must not count as unhandled.
        await tool.idle()
        await tool.idle()
        const events = await read
        expect(events.at(-1)).toEqual({
          type: 'error',
          data: { executionId: 'x', timestamp: expect.any(String), error: expect.any(String), code },
        })
        expect(events.filter(({ type }) => type === 'error')).toHaveLength(1)
        expect(events.slice(0, -1).every(({ id }) => id !== undefined)).toBe(true)
        expect(JSON.stringify(events)).not.toContain('disk full')
        expect(second.context.signal.aborted).toBe(true)
        const failure = (await execution.result.catch((reason: unknown) => reason)) as DagstreamError
        expect([failure.code, failure.cause]).toEqual([code, error])
        second.succeed()
        await tool.idle()
        expect([tool.started, clock.timerCount]).toEqual([['t0', 't1'], 0])
        // In process as on the wire: who comes later gets the same end.
        expect((await readAll(execution)).at(-1)?.type).toBe('error')
      })
    }
  }

  for (const method of ['create', 'claim'] as const) {
    test(`at ${method}: nothing starts, readers get the error event`, async () => {
      const store = { ...createMemoryStore(), [method]: () => Promise.reject(new Error('down')) }
      const tool = new ControlledTool()
      const clock = new FakeClock()
      const executor = new StreamingExecutor({ work: { execute: tool.execute } }, { clock, store })
      const execution = executor.stream(fan(2), { signal: new AbortController().signal, timeoutMs: 1000 })
      expect((await readAll(execution)).map(({ type }) => type)).toEqual(['error'])
      await expect(execution.result).rejects.toMatchObject({ code: 'STORE_FAILED' })
      expect([tool.started, clock.timerCount]).toEqual([[], 0])
    })
  }

  test('is told to a sink by the error event, and to the caller by a rejection', async () => {
    const sink = new FakeSink()
    const clock = new FakeClock()
    const run = makeExecutor(failing(3, new Error('disk full'), true), clock).executeWithStreaming(
      WORKFLOW,
      sink.stream,
    )
    await expect(run).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect([sink.types.at(-1), sink.isClosed, clock.timerCount]).toEqual(['error', true, 0])
  })

  test('and a sink that never reads: the caller is told within flushMs', async () => {
    const sink = new FakeSink({ isHeld: true })
    const clock = new FakeClock()
    const executor = makeExecutor(failing(2, new Error('disk full'), false), clock)
    let failure: unknown
    executor.executeWithStreaming(WORKFLOW, sink.stream, { flushMs: 100 }).catch((error: unknown) => {
      failure = error
    })
    await clock.run(99)
    expect(failure).toBeUndefined()
    await clock.run(1)
    await idle()
    expect([failure, clock.timerCount]).toEqual([expect.objectContaining({ code: 'STORE_FAILED' }), 0])
  })

  test('to read what memory has let go of tells the reader, and touches nothing else', async () => {
    const store = { ...createMemoryStore(), read: () => Promise.reject(new Error('disk')) }
    const flood = {
      async flood(_: unknown, context: ToolContext) {
        for (let i = 0; i < 320; i++) {
          context.emitToken('x'.repeat(64 * 1024))
          await new Promise(resolve => setImmediate(resolve))
        }
      },
    }
    const executor = new StreamingExecutor(flood, { store, clock: new FakeClock() })
    const workflow = { tasks: [{ id: 'a', tool: 'flood' }] }
    const execution = executor.stream(workflow)
    expect((await execution.result).status).toBe('success')
    await expect(readAll(execution)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })

  test('at the last event ends the stream with the error event', async () => {
    const inner = createMemoryStore()
    const store: ExecutionStore = {
      ...inner,
      append(lease, first, entries) {
        if (entries.some(({ type }) => type === 'execution_complete')) throw new Error('disk full')
        return inner.append(lease, first, entries)
      },
    }
    const execution = makeExecutor(store).stream(WORKFLOW)
    const types = (await readAll(execution)).map(({ type }) => type)
    expect([types.at(-1), types.includes('execution_complete')]).toEqual(['error', false])
    await expect(execution.result).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })

  for (const count of [1, 2, 3, 4]) {
    test(`at append ${count} gives back the permits of limits, those of tasks that never started too`, async () => {
      const tools = { limited: { limit: createLimit(1), execute: () => 'done' } }
      const executor = new StreamingExecutor(tools, { clock: new FakeClock() })
      const workflow = { tasks: ['a', 'b', 'c', 'd'].map(id => ({ id, tool: 'limited' })) }
      const failed = executor.stream(workflow, { store: failing(count, new Error('disk full'), false) })
      await expect(failed.result).rejects.toMatchObject({ code: 'STORE_FAILED' })
      let ended: unknown
      void executor.execute(workflow).then(result => void (ended = result.status))
      for (let turn = 0; turn < 10; turn++) await idle()
      expect(ended).toBe('success')
    })
  }
})

test('a sink gets what memory has let go of from the store, all of it', async () => {
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
