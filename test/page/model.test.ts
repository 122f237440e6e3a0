import { describe, expect, test } from 'vitest'
import type { SSEEvent } from '../../src/events/events.ts'
import { createState } from '../../src/events/execution-state.ts'
import { applyEvent } from '../../src/events/state.ts'
import { StreamingExecutor } from '../../src/index.ts'
import { Fold } from '../../src/page/model/fold.ts'
import { findCriticalPath } from '../../src/page/timeline/critical-path.ts'
import { listRows } from '../../src/page/timeline/rows.ts'
import { TimeScale } from '../../src/page/timeline/time-scale.ts'
import { parseEventId } from '../../src/events/events.ts'

/** The events of an execution with retries, items, a nested workflow and a failure. */
async function record(): Promise<SSEEvent[]> {
  const tools = {
    work: ({ fail }: { fail?: number }, { attempt, emitToken, log }: Context): unknown => {
      emitToken('Hel')
      emitToken('lo')
      log('info', 'told')
      if (attempt <= (fail ?? 0)) throw new Error('no')
      return { attempt }
    },
  }
  const nested = {
    tasks: [
      { id: 'in', tool: 'work' },
      { id: 'out', tool: 'work', dependsOn: ['in'] },
    ],
  }
  const execution = new StreamingExecutor(tools).stream({
    tasks: [
      { id: 'a', tool: 'work', arguments: { fail: 1 }, retry: { maxAttempts: 2, initialDelayMs: 0 } },
      { id: 'b', tool: 'work', forEach: [1, 2, 3], dependsOn: ['a'] },
      { id: 'c', workflow: nested, dependsOn: ['a'] },
      { id: 'd', tool: 'work', arguments: { fail: 9 }, dependsOn: ['c'] },
      { id: 'e', tool: 'work', dependsOn: ['d'] },
    ],
  })
  const events: SSEEvent[] = []
  for await (const event of execution) events.push(event)
  return events
}

interface Context {
  readonly attempt: number
  readonly emitToken: (text: string) => void
  readonly log: (level: 'info', message: string) => void
}

function fold(events: readonly SSEEvent[]): Fold {
  const folded = new Fold('x')
  for (const event of events) folded.apply({ event, seq: parseEventId(event.id ?? '')?.seq ?? 0 })
  return folded
}

test('after each event the state is that of the one reducer', async () => {
  const events = await record()
  const state = createState('x')
  const folded = new Fold('x')
  for (const event of events) {
    const seq = parseEventId(event.id ?? '')?.seq ?? 0
    applyEvent(state, event, seq)
    folded.apply({ event, seq })
    expect(folded.state).toEqual(state)
  }
})

test('the times, texts and messages of attempts are kept beside it', async () => {
  const { trace } = fold(await record())
  const a = trace.tasks.get('a')
  expect(a?.attempts.map(({ attempt, code }) => [attempt, code])).toEqual([
    [1, 'TOOL_ERROR'],
    [2, undefined],
  ])
  expect([a?.text, a?.messages?.length, trace.activeCount]).toEqual(['Hello', 2, 0])
  expect(trace.tasks.get('c/out')?.dependsOn).toEqual(['c/in'])
})

test('streamed text is bounded, of one task and of all', () => {
  const folded = new Fold('x')
  const data = { executionId: 'x', timestamp: '2026-01-01T00:00:00.000Z', attempt: 1, text: 'x'.repeat(10_000) }
  for (let task = 0; task < 100; task++) {
    for (let token = 0; token < 20; token++) {
      folded.apply({ event: { type: 'token', data: { ...data, taskId: `t${task}` } }, seq: 0 })
    }
  }
  const lengths = Array.from(folded.trace.tasks.values(), ({ text = '' }) => text.length)
  expect(Math.max(...lengths)).toBeLessThanOrEqual(2 * 64 * 1024)
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBeLessThan(6 * 1024 * 1024)
  expect(folded.trace.tasks.get('t0')?.isTextCut).toBe(true)
})

describe('rows', () => {
  const none = { text: '', status: '', opened: new Map<string, boolean>() }

  test('stand in the order of the layers, children below their parents', async () => {
    const rows = listRows(fold(await record()), none)
    expect(rows.map(({ taskId, depth }) => `${'-'.repeat(depth)}${taskId}`)).toEqual([
      'a',
      'b',
      '-b[0]',
      '-b[1]',
      '-b[2]',
      'c',
      '-c/in',
      '-c/out',
      'd',
      'e',
    ])
  })

  test('of a folded group are left out, and with a filter the parents of what matches stay', async () => {
    const folded = fold(await record())
    const ids = (filter: Partial<typeof none>): string[] =>
      listRows(folded, { ...none, ...filter }).map(({ taskId }) => taskId)
    expect(ids({ opened: new Map([['b', false]]) })).toEqual(['a', 'b', 'c', 'c/in', 'c/out', 'd', 'e'])
    expect(ids({ text: 'c/o' })).toEqual(['c', 'c/out'])
    expect(ids({ status: 'error' })).toEqual(['d'])
    expect(ids({ text: 'none' })).toEqual([])
  })
})

test('the critical path leads from what ended last through the dependency that ended last', async () => {
  const at = (ms: number): string => new Date(ms).toISOString()
  const head = (ms: number): { executionId: string; timestamp: string } => ({ executionId: 'x', timestamp: at(ms) })
  const events: SSEEvent[] = [
    {
      type: 'execution_start',
      data: { ...head(0), totalTasks: 4, schedule: 'dataflow', layers: [['a', 'b'], ['c'], ['d']] },
    },
  ]
  for (const [taskId, from, to] of [
    ['a', 0, 50],
    ['b', 0, 90],
    ['c', 50, 60],
    ['d', 90, 100],
  ] as const) {
    const result = {
      taskId,
      tool: 't',
      status: 'success',
      output: 1,
      attempts: 1,
      executionTimeMs: to - from,
      waitMs: 0,
    } as const
    events.push({ type: 'task_start', data: { ...head(from), taskId, tool: 't', layer: 0, attempt: 1 } })
    events.push({ type: 'task_complete', data: { ...head(to), ...result } })
  }
  const dependencies: Readonly<Record<string, string[]>> = { a: [], b: [], c: ['a'], d: ['b', 'c'] }
  expect([...findCriticalPath(fold(events), id => dependencies[id])]).toEqual(['d', 'b'])
  // Without dependencies the layers stand for them.
  expect([...findCriticalPath(fold(events), () => undefined)]).toEqual(['d', 'c', 'b'])
})

describe('the scale of time', () => {
  test('draws a long pause short, stays monotonic, and can be inverted', () => {
    const scale = new TimeScale(
      [
        { from: 0, to: 100 },
        { from: 10_000, to: 10_100 },
      ],
      10_100,
      false,
    )
    expect([scale.gaps.length, scale.length < 300]).toEqual([1, true])
    let last = Number.NEGATIVE_INFINITY
    for (let time = -50; time < 10_300; time += 7) {
      const place = scale.placeOf(time)
      expect(place).toBeGreaterThan(last)
      expect(scale.timeAt(place)).toBeCloseTo(time, 5)
      last = place
    }
    const ticks = scale.ticks(0, scale.length, 10, 0)
    expect(ticks.every(tick => tick <= 100 || tick >= 10_000)).toBe(true)
    expect(ticks.length).toBeGreaterThan(3)
  })

  test('draws the time in which something runs as it is, and the one after it short', () => {
    expect(new TimeScale([{ from: 0, to: 100 }], 5000, true).length).toBe(5000)
    expect(new TimeScale([{ from: 0, to: 100 }], 5000, false).length).toBeLessThan(110)
    expect(new TimeScale([], 0, false).length).toBe(1)
  })
})
