import { expect, test } from 'vitest'
import { createMemoryStore, type SSEEvent, StreamingExecutor } from '../../src/index.ts'
import { leaveAfter, readKept } from '../support/crash.ts'
import { forSeeds } from '../support/random-graph.ts'
import { collectEvents } from '../support/rig.ts'
import { countRuns, createTools, runEngine, SETTINGS, waitForEnd } from './language-rig.ts'
import { TOOLS } from './random-behaviour.ts'
import { createRandomDocument } from './random-language-document.ts'
import { RandomSource } from './random-source.ts'

// What the next process does not have any more is neither called nor stood in for, wherever the last one left an execution.

/** How many places of a log are tried. */
const PLACES = 6

/** Whether a task ended, or an attempt, by a call of what stands in for a tool. */
function isStandIn({ type, data }: SSEEvent, tool: string): boolean {
  return (type === 'task_complete' || type === 'task_retry') && data.error === `There is no tool \`${tool}\``
}

test('an execution whose tool is missing ends after any event, and nothing of that tool succeeds or is stood in for', async () => {
  let unavailableCount = 0
  let runCount = 0
  await forSeeds(countRuns(25), async seed => {
    const made = createRandomDocument(seed, false)
    const random = new RandomSource(seed)
    const store = createMemoryStore()
    const { result } = await runEngine(made, seed, { ...random.pick(SETTINGS), store })
    const kept = await readKept(store, result.executionId)
    for (let place = 0; place < PLACES; place++) {
      const count = random.integer(0, kept.entries.length - 1)
      const gone = random.pick(TOOLS)
      const left = TOOLS.filter(name => name !== gone)
      const { tools, called } = createTools(made.behave, seed, new Map(), left)
      const next = await leaveAfter(kept, count)
      const execution = await new StreamingExecutor(tools, { store: next }).resume(result.executionId)
      const events: readonly SSEEvent[] = collectEvents(execution)
      const { status } = await waitForEnd(execution, events)
      const later = events.slice(count)
      const succeeded = later.flatMap(({ type, data }) =>
        type === 'task_complete' && data.status === 'success' && data.tool === gone ? [data.taskId] : [],
      )
      // A fan-out over nothing, and a parent whose children had ended, call no tool.
      const wrong = succeeded.filter(
        taskId => !events.some(({ type, data }) => type === 'tasks_added' && data.parentId === taskId),
      )
      const empty = events.flatMap(({ type, data }) =>
        type === 'task_start' && data.itemCount === 0 ? [data.taskId] : [],
      )
      expect(wrong.filter(taskId => !empty.includes(taskId))).toEqual([])
      expect(later.filter(event => isStandIn(event, gone))).toEqual([])
      const unavailable = later.filter(
        ({ type, data }) => type === 'task_complete' && data.code === 'TOOLS_UNAVAILABLE',
      )
      if (unavailable.length > 0) unavailableCount += 1
      if (called.length > 0) runCount += 1
      expect(status).not.toBe('running')
    }
  })
  // Otherwise the property says nothing.
  expect(Math.min(unavailableCount, runCount)).toBeGreaterThan(10)
})
