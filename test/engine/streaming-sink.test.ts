import { describe, expect, test } from 'vitest'
import type { DAGStructure, SinkOptions, SSEEvent } from '../../src/index.ts'
import { FakeSink } from '../log/sinks.ts'
import { idle } from '../support/fake-clock.ts'
import { fan } from '../support/workflows.ts'
import { DONE, finish, start } from './sink-rig.ts'

test('every event is written, in order, and the sink is closed', async () => {
  const sink = new FakeSink()
  const started = start(fan(3), sink.stream)
  expect(sink.stream.locked).toBe(true)
  await started.tool.succeedAll(1)
  expect(await started.run).toMatchObject({ ...DONE, delivery: 'complete' })
  expect(sink.events.map(({ id }) => id)).toEqual([1, 2, 3, 4, 5, 6, 7, 8].map(seq => `x.${seq}`))
  expect([sink.isClosed, started.clock.timerCount]).toEqual([true, 0])
})

describe('a slow sink', () => {
  test('holds new starts at the bound, and stalls nothing for longer than the stall time', async () => {
    const sink = new FakeSink({ isHeld: true })
    const buffer = { maxEvents: 10, stallTimeoutMs: 5000 }
    const { tool, clock, run } = start(fan(40), sink.stream, { maxConcurrency: 1, buffer })
    await tool.succeedAll()
    const startedAtBound = tool.started.length
    expect([startedAtBound >= 5, startedAtBound <= 6]).toEqual([true, true])
    await clock.run(4999)
    await tool.succeedAll()
    expect(tool.started.length).toBe(startedAtBound)
    await clock.run(1)
    await tool.succeedAll()
    expect(await run).toMatchObject({ status: 'success', successCount: 40, delivery: 'overflowed' })
    expect(clock.timerCount).toBe(0)
    sink.release()
    await idle()
    expect(sink.abortReason).toEqual({ reason: expect.objectContaining({ code: 'READER_STALLED' }) })
  })

  test('that takes one event in each stall time gets all', async () => {
    const sink = new FakeSink({ isHeld: true })
    const buffer = { maxEvents: 10, stallTimeoutMs: 5000 }
    const { tool, clock, state, run } = start(fan(20), sink.stream, { maxConcurrency: 1, buffer, flushMs: 1_000_000 })
    for (let i = 0; i < 60 && state.settled === undefined; i++) {
      await tool.succeedAll()
      await clock.run(4000)
      sink.take()
    }
    expect(await run).toMatchObject({ status: 'success', delivery: 'complete' })
    expect([sink.events.length, clock.timerCount]).toEqual([42, 0])
  })

  test('of instant tasks makes none of them slower', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { tool, run, clock } = start(fan(10), sink.stream)
    await tool.succeedAll()
    await clock.run(2000)
    expect(await run).toMatchObject({ successCount: 10, executionTimeMs: 0, delivery: 'failed' })
  })

  test('under "disconnect" counts as gone at the bound', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { tool, run, clock } = start(fan(40), sink.stream, { buffer: { maxEvents: 10, policy: 'disconnect' } })
    await tool.succeedAll()
    expect(await run).toMatchObject({ successCount: 40, delivery: 'overflowed' })
    expect(clock.timerCount).toBe(0)
  })
})

describe('after the end', () => {
  test('the sink has flushMs to accept the remaining events', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { tool, clock, run, state } = start(fan(3), sink.stream, { flushMs: 300 })
    await tool.succeedAll()
    await clock.run(299)
    expect(state.settled).toBeUndefined()
    sink.release()
    expect((await run).delivery).toBe('complete')
    expect([sink.events.length, sink.isClosed, clock.timerCount]).toEqual([8, true, 0])
  })

  test('and no longer', async () => {
    const sink = new FakeSink({ isHeld: true })
    const { tool, clock, run, state } = start(fan(3), sink.stream, { flushMs: 300 })
    await tool.succeedAll()
    await clock.run(299)
    expect(state.settled).toBeUndefined()
    await clock.run(1)
    expect(await run).toMatchObject({ ...DONE, delivery: 'failed' })
    sink.release()
    await idle()
    expect([sink.isClosed, sink.abortReason !== undefined, sink.events.length]).toEqual([false, true, 1])
  })

  test('with flushMs 0 a sink that has taken all is complete', async () => {
    const sink = new FakeSink()
    const { tool, clock, run } = start(fan(3), sink.stream, { flushMs: 0 })
    await tool.succeedAll()
    await clock.run(0)
    expect((await run).status).toBe('success')
    expect(clock.timerCount).toBe(0)
  })
})

describe('preventClose', () => {
  test('leaves the sink open and unlocked, for the next', async () => {
    const sink = new FakeSink()
    for (let i = 1; i <= 3; i++) {
      const started = start(fan(3), sink.stream, { preventClose: true })
      expect(sink.stream.locked).toBe(true)
      await started.tool.succeedAll()
      expect((await started.run).delivery).toBe('complete')
      expect([sink.stream.locked, sink.isClosed, sink.events.length]).toEqual([false, false, 8 * i])
    }
    const writer = sink.stream.getWriter()
    await writer.close()
    expect(sink.isClosed).toBe(true)
  })

  test('releases a sink that did not take all in time', async () => {
    const sink = new FakeSink({ isHeld: true })
    const started = start(fan(3), sink.stream, { preventClose: true })
    expect((await finish(started)).delivery).toBe('failed')
    expect(sink.stream.locked).toBe(false)
    sink.release()
    await idle()
    expect([sink.events.length, sink.isClosed, sink.abortReason]).toEqual([1, false, undefined])
  })
})

test('a locked sink is refused, and nothing starts', async () => {
  const sink = new FakeSink()
  const writer = sink.stream.getWriter()
  const { tool, run, clock } = start(fan(3), sink.stream)
  await expect(run).rejects.toMatchObject({ code: 'STREAM_LOCKED' })
  await idle()
  expect([tool.started, clock.timerCount, sink.events]).toEqual([[], 0, []])
  writer.releaseLock()
})

test('when nothing starts the sink is left as it is, unlocked', async () => {
  const sink = new FakeSink()
  const wrong: [code: string, workflow: DAGStructure, options: SinkOptions][] = [
    ['INVALID_WORKFLOW', { tasks: [{ id: 'a', tool: 'none' }] }, {}],
    ['INVALID_WORKFLOW', fan(1, { arguments: { a: '$INPUT.b' } }), { input: {} }],
    ['INVALID_OPTION', fan(1), { flushMs: -1 }],
    ['INVALID_OPTION', fan(1), { buffer: { maxBytes: 0 } }],
    ['INVALID_OPTION', fan(1), { onSinkClosed: 'stop' as 'cancel' }],
    ['INVALID_OPTION', fan(1), { input: () => {} }],
    ['INVALID_OPTION', fan(1), { maxConcurrency: -1 }],
  ]
  for (const [code, workflow, options] of wrong) {
    const { run, clock, tool } = start(workflow, sink.stream, options)
    await expect(run).rejects.toMatchObject({ code })
    expect([sink.stream.locked, clock.timerCount, tool.started]).toEqual([false, 0, []])
  }
  expect([sink.events, sink.isClosed, sink.abortReason]).toEqual([[], false, undefined])
})

test('events go through a TransformStream to its reader, who sees the end', async () => {
  const names = new TransformStream<SSEEvent, string>({
    transform: (event, controller) => controller.enqueue(event.type),
  })
  const { tool, run } = start(fan(2), names.writable)
  const read: string[] = []
  const reading = (async () => {
    for await (const name of names.readable) read.push(name)
  })()
  await tool.succeedAll()
  expect((await run).delivery).toBe('complete')
  await reading
  const expected = [
    'execution_start',
    'task_start',
    'task_start',
    'task_complete',
    'task_complete',
    'execution_complete',
  ]
  expect(read).toEqual(expected)
})

test('a sink that changes its events changes nobody else’s', async () => {
  const stream = new WritableStream<SSEEvent>({
    write(event) {
      const data = event.data as unknown as Record<string, unknown>
      ;(data['output'] as number[] | undefined)?.push(99)
      for (const key of Object.keys(data)) delete data[key]
    },
  })
  const { tool, run } = start(
    {
      tasks: [
        { id: 'a', tool: 'work' },
        { id: 'b', tool: 'work', arguments: { got: '$OUTPUT[a]' } },
      ],
    },
    stream,
  )
  const output = [1]
  ;(await tool.nextCall('a')).succeed(output)
  const b = await tool.nextCall('b')
  expect(b.args).toEqual({ got: [1] })
  b.succeed()
  const result = await run
  expect([result.results.map(({ output }) => output), output]).toEqual([[[1], null], [1]])
})
