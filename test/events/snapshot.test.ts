import { expect, test } from 'vitest'
import { applyEvent, createState, type ExecutionState, type SSEEvent } from '../../src/index.ts'
import { toSnapshot } from '../../src/events/snapshot.ts'
import { createRandom, forSeeds } from '../support/random-graph.ts'
import { createRandomEvents } from './random-events.ts'

function fold(events: readonly SSEEvent[], state: ExecutionState = createState('x')): ExecutionState {
  for (const event of events) applyEvent(state, event, Number(event.id?.split('.')[1] ?? 0))
  return state
}

/** A state as a value: a snapshot has no timestamps of the events before it. */
function show({ tasks, ...rest }: ExecutionState): unknown {
  const shown = Array.from(tasks.values(), ({ result, ...task }) => {
    const { executionId: _, timestamp: __, ...known } = { executionId: '', timestamp: '', ...result }
    return { ...task, result: result && known }
  })
  return { ...rest, tasks: shown }
}

test('a reader that was given a snapshot at any moment has the state of one that saw every event', async () => {
  const kinds = new Set<string>()
  await forSeeds(25, seed => {
    const random = createRandom(seed)
    const events = createRandomEvents(random)
    for (const { type } of events) kinds.add(type)
    const whole = show(fold(events))
    for (let cut = 0; cut <= events.length; cut += 1 + Math.floor(random() * 4)) {
      const seen = fold(events.slice(0, cut))
      const data = toSnapshot(seen, '2026-01-01T00:00:00.000Z', (_, output) => ({ output }))
      const snapshot = { type: 'snapshot', data: JSON.parse(JSON.stringify(data)) as typeof data } as const
      // Of a reader that begins with it, and of one that had fallen behind.
      const behind = fold(events.slice(0, Math.floor(random() * (cut + 1))))
      for (const state of [createState('x'), behind]) {
        applyEvent(state, snapshot, cut)
        expect(show(state)).toEqual(show(seen))
        expect(show(fold(events.slice(cut), state))).toEqual(whole)
      }
    }
    return Promise.resolve()
  })
  expect([...kinds]).toEqual(expect.arrayContaining(['tasks_added', 'tasks_stopping', 'execution_handed_off']))
})
