import { describe, expect, test } from 'vitest'
import {
  createLimit,
  createMemoryStore,
  DagstreamError,
  type ExecutionStore,
  StreamingExecutor,
  type ToolContext,
} from '../../src/index.ts'
import { FakeSink } from '../log/sinks.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { FakeClock, idle } from '../support/fake-clock.ts'
import { fan } from '../support/workflows.ts'
import { readAll } from './iterator-rig.ts'
import { failing, makeExecutor, WORKFLOW } from './store-rig.ts'

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
    test(`at ${method}: nothing starts, readers get the error event, no record stays`, async () => {
      const store = { ...createMemoryStore(), [method]: () => Promise.reject(new Error('down')) }
      const tool = new ControlledTool()
      const clock = new FakeClock()
      const executor = new StreamingExecutor({ work: { execute: tool.execute } }, { clock, store })
      const execution = executor.stream(fan(2), { signal: new AbortController().signal, timeoutMs: 1000 })
      expect((await readAll(execution)).map(({ type }) => type)).toEqual(['error'])
      await expect(execution.result).rejects.toMatchObject({ code: 'STORE_FAILED' })
      expect([tool.started, clock.timerCount]).toEqual([[], 0])
      expect(await store.get(execution.executionId)).toBeUndefined()
    })
  }

  test('at create, by an execution that exists: nothing starts, and that record stays', async () => {
    const inner = createMemoryStore()
    const record = { executionId: 'x', createdAt: '2026-01-01T00:00:00.000Z' }
    await inner.create(record)
    const store: ExecutionStore = { ...inner, create: executionRecord => inner.get(executionRecord.executionId) }
    const executor = new StreamingExecutor({ work: { execute: () => 1 } }, { store, createId: () => 'x' })
    await expect(executor.execute(fan(1))).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect([await inner.get('x'), await inner.read('x', 0, 1)]).toEqual([{ ...record, status: 'running' }, []])
  })

  test('is reported to a sink by the error event, and to the caller by a rejection', async () => {
    const sink = new FakeSink()
    const clock = new FakeClock()
    const run = makeExecutor(failing(3, new Error('disk full'), true), clock).executeWithStreaming(
      WORKFLOW,
      sink.stream,
    )
    await expect(run).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect([sink.types.at(-1), sink.isClosed, clock.timerCount]).toEqual(['error', true, 0])
  })

  test('and a sink that never reads: the caller is notified within flushMs', async () => {
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

  test('when reading evicted entries notifies the reader, and affects nothing else', async () => {
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
