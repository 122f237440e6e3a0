import { expect, test } from 'vitest'
import { createMemoryStore, type SSEEvent, StreamingExecutor, type Tool } from '../../src/index.ts'
import { expectAgreement } from '../language/agreement.ts'
import { expectFold } from '../language/event-order.ts'
import { countRuns, createTools, waitForEnd, withWorkflows } from '../language/language-rig.ts'
import { RandomSource } from '../language/random-source.ts'
import { interpretIfSaid } from '../language/reference-interpreter.ts'
import { countAttempts, leaveAfter, readKept } from '../support/crash.ts'
import { forSeeds } from '../support/random-graph.ts'
import { collectEvents } from '../support/rig.ts'
import { countLines, createPlan, isCutShort, markReadOnly, splitBytes, toLines } from './plan-rig.ts'

const SLOTS = [1, 2, 3, 8] as const

test('a document written as lines, split anywhere, ends as the document does, for all slots', async () => {
  await forSeeds(countRuns(30), async seed => {
    const made = createPlan(seed)
    const expected = interpretIfSaid(made.document, made)
    if (expected === undefined || isCutShort(expected.tasks)) return
    for (const maxConcurrency of SLOTS) {
      const random = new RandomSource(seed + maxConcurrency)
      const { tools, peak } = createTools(made.behave, seed)
      const marked = markReadOnly(tools, random)
      const lines = toLines(made.document, marked, made.workflows)
      const end = random.pick(['\n', '\r\n', '\n\n'])
      const text = lines.join(end) + random.pick(['', end, `${end}{"seal": true}\n{"id": "ignored"}`])
      const eager = random.pick(['read-only', 'all'] as const)
      const executor = new StreamingExecutor(marked, withWorkflows(made, { maxConcurrency }))
      const execution = await executor.streamPlan(splitBytes(text, random), { input: made.input, eager })
      const events: readonly SSEEvent[] = collectEvents(execution)
      const result = await waitForEnd(execution, events)
      const order = new Map(result.results.map((each, at) => [each.taskId, at]))
      const tasks = expected.tasks.toSorted((a, b) => (order.get(a.taskId) ?? 0) - (order.get(b.taskId) ?? 0))
      try {
        expectAgreement({ ...expected, tasks }, { events, result, isWhole: true })
        expectFold(events, result)
        expect(peak()).toBeLessThanOrEqual(maxConcurrency)
        expect(events.filter(({ type }) => type === 'plan_sealed')).toHaveLength(1)
      } catch (error) {
        throw new Error(`${maxConcurrency} slots, ${eager}: ${(error as Error).message}`, { cause: error })
      }
    }
  })
})

test('a plan that is cut off after any event, and whose planner comes back, ends as the document does', async () => {
  await forSeeds(countRuns(10), async seed => {
    const made = createPlan(seed)
    const expected = interpretIfSaid(made.document, made)
    // Which items a failure cuts short, and where, depends on time.
    if (expected === undefined || isCutShort(expected.tasks)) return
    const random = new RandomSource(seed)
    const { tools } = createTools(made.behave, seed)
    const marked = markReadOnly(tools, random)
    const lines = toLines(made.document, marked, made.workflows)
    const store = createMemoryStore()
    const options = withWorkflows(made, { store, maxConcurrency: random.pick(SLOTS) })
    const whole = await new StreamingExecutor(marked, options).streamPlan(splitBytes(lines.join('\n'), random), {
      input: made.input,
    })
    await waitForEnd(whole, collectEvents(whole))
    const kept = await readKept(store, whole.executionId)
    for (let count = 0; count < kept.entries.length; count += random.integer(1, 5)) {
      const isShort = random.chance(0.3)
      const next = await leaveAfter(kept, count, { maxTailEvents: isShort ? 5 : 10_000 })
      const { tools: again } = createTools(made.behave, seed, countAttempts(kept, count))
      const same = again.map((tool, at): Tool => ({ ...tool, readOnly: marked[at]?.readOnly === true }))
      const executor = new StreamingExecutor(same, withWorkflows(made, { store: next }))
      const rest = lines.slice(countLines(kept, count)).join('\n')
      const isSealed = kept.entries.slice(0, count).some(({ type }) => type === 'plan_sealed')
      const resumed = await executor.resume(kept.record.executionId, isSealed ? {} : { plan: splitBytes(rest, random) })
      const events: readonly SSEEvent[] = isShort ? [] : collectEvents(resumed)
      const result = await waitForEnd(resumed, events)
      const order = new Map(result.results.map((each, at) => [each.taskId, at]))
      const tasks = expected.tasks.toSorted((a, b) => (order.get(a.taskId) ?? 0) - (order.get(b.taskId) ?? 0))
      try {
        expect(result.results.map(({ taskId, status }) => [taskId, status])).toEqual(
          tasks.map(({ taskId, status }) => [taskId, status]),
        )
        if (!isShort) expectAgreement({ ...expected, tasks }, { events, result, isWhole: false })
      } catch (error) {
        throw new Error(`after ${count} events: ${(error as Error).message}`, { cause: error })
      }
    }
  })
})
