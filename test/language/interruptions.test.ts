import { describe, expect, test } from 'vitest'
import {
  createMemoryStore,
  type Execution,
  type ExecutionOptions,
  type ExecutionResult,
  type SSEEvent,
  StreamingExecutor,
  type Tool,
} from '../../src/index.ts'
import { countAttempts, leaveAfter, readKept } from '../support/crash.ts'
import { forSeeds } from '../support/random-graph.ts'
import { collectEvents } from '../support/rig.ts'
import { expectAgreement } from './agreement.ts'
import { expectFold, expectOrder } from './event-order.ts'
import {
  countRuns,
  createTools,
  isLanguageImplemented,
  runEngine,
  SETTINGS,
  startEngine,
  waitForEnd,
  withWorkflows,
} from './language-rig.ts'
import type { Outcome } from './outcome.ts'
import { createRandomDocument, type RandomDocument } from './random-language-document.ts'
import { RandomSource } from './random-source.ts'
import { type Interpretation, interpretIfSaid } from './reference-interpreter.ts'

/** Whether all that fails is tolerated: by `optional`, or as an item that is one call. */
function isTolerant(outcomes: readonly Outcome[], isItem = false): boolean {
  return outcomes.every(({ status, code, substitute, kind, children }) => {
    const isTolerated = substitute !== undefined || (isItem && kind === 'tool')
    const mayFail = status === 'error' ? isTolerated : code !== 'DEPENDENCY_FAILED'
    return mayFail && isTolerant(children, kind === 'forEach')
  })
}

/** Runs a random document and cancels it during one of its first calls. */
async function runCancelled(
  made: RandomDocument,
  seed: number,
  options: ExecutionOptions = {},
): Promise<{ events: readonly SSEEvent[]; result: ExecutionResult }> {
  const random = new RandomSource(seed)
  let callsLeft = random.integer(1, 8)
  const running: Execution[] = []
  const behave: RandomDocument['behave'] = call => {
    // A cancel that arrives after `finally` began would end it.
    if (!call.taskId.startsWith('f-')) {
      callsLeft -= 1
      if (callsLeft === 0) running[0]?.cancel('By chance')
    }
    return made.behave(call)
  }
  const { tools } = createTools(behave, seed)
  const execution = startEngine(made, tools, { ...random.pick(SETTINGS), ...options })
  running.push(execution)
  const events = collectEvents(execution)
  return { events, result: await waitForEnd(execution, events) }
}

/** What holds however an execution is stopped: its `finally` tasks are not among those that the stop ends. */
function expectStoppedWell(expected: Interpretation, events: readonly SSEEvent[], result: ExecutionResult): void {
  expectOrder(expected.tasks, events, 'dataflow')
  expectFold(events, result)
  const { totalTasks, successCount, errorCount, skippedCount, cancelledCount } = result
  expect(successCount + errorCount + skippedCount + cancelledCount).toBe(totalTasks)
  const ending = expected.tasks.filter(({ isFinally }) => isFinally).map(({ taskId }) => taskId)
  const statuses = result.results.filter(({ taskId }) => ending.includes(taskId)).map(({ status }) => status)
  expect(statuses).toHaveLength(ending.length)
  expect(statuses).not.toContain('cancelled')
}

function expectEndedOnce(events: readonly SSEEvent[], result: ExecutionResult): void {
  expectFold(events, result)
  const ends = events.flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : []))
  expect(new Set(ends).size).toBe(ends.length)
  expect(ends).toHaveLength(result.totalTasks)
}

// Skipped as long as the checks refuse the words of the language.
describe.skipIf(!isLanguageImplemented)('a random document', () => {
  test('that is cancelled once still runs its finally tasks', async () => {
    await forSeeds(countRuns(50), async seed => {
      const made = createRandomDocument(seed)
      const expected = interpretIfSaid(made.document, made)
      if (expected === undefined) return
      const { events, result } = await runCancelled(made, seed)
      expectStoppedWell(expected, events, result)
    })
  })

  test('that is cancelled, and whose process ends after that, still runs its finally tasks', async () => {
    await forSeeds(countRuns(25), async seed => {
      const made = createRandomDocument(seed)
      const expected = interpretIfSaid(made.document, made)
      if (expected === undefined) return
      const store = createMemoryStore()
      const whole = await runCancelled(made, seed, { store })
      const kept = await readKept(store, whole.result.executionId)
      const stopAt = kept.entries.findIndex(({ type }) => type === 'execution_stopping')
      if (stopAt < 0) return
      const count = new RandomSource(seed).integer(stopAt + 1, kept.entries.length)
      const { tools } = createTools(made.behave, seed, countAttempts(kept, count))
      const left = await leaveAfter(kept, count)
      const execution = await new StreamingExecutor(tools, withWorkflows(made, { store: left })).resume(
        whole.result.executionId,
      )
      const events = collectEvents(execution)
      const result = await waitForEnd(execution, events)
      expectStoppedWell(expected, events, result)
      expect([result.status, result.reason]).toEqual([whole.result.status, whole.result.reason])
    })
  })

  test('that is cancelled twice, at any moment, and left at any event, ends each task once', async () => {
    await forSeeds(countRuns(40), async seed => {
      const made = createRandomDocument(seed)
      if (interpretIfSaid(made.document, made) === undefined) return
      const random = new RandomSource(seed)
      const cancelAt = [random.integer(1, 14), random.integer(1, 20)]
      const store = createMemoryStore()
      const begin = (start: (tools: readonly Tool[]) => Execution | Promise<Execution>): Promise<Execution> => {
        let callCount = 0
        let running: Execution | undefined
        const behave: RandomDocument['behave'] = call => {
          callCount += 1
          if (cancelAt.includes(callCount)) running?.cancel('By chance')
          return made.behave(call)
        }
        return Promise.resolve(start(createTools(behave, seed).tools)).then(execution => (running = execution))
      }
      const setting = {
        ...random.pick(SETTINGS),
        onTaskError: random.pick(['continue', 'fail-fast'] as const),
        finallyTimeoutMs: random.pick([0, 3]),
      }
      const first = await begin(tools => startEngine(made, tools, { ...setting, store }))
      const events = collectEvents(first)
      const { executionId } = await waitForEnd(first, events)
      const kept = await readKept(store, executionId)
      const left = await leaveAfter(kept, random.integer(1, kept.entries.length))
      const second = await begin(tools =>
        new StreamingExecutor(tools, withWorkflows(made, { store: left })).resume(executionId),
      )
      const resumedEvents = collectEvents(second)
      expectEndedOnce(events, await first.result)
      expectEndedOnce(resumedEvents, await waitForEnd(second, resumedEvents))
    })
  })

  test('that fails fast ends each task once and runs its finally tasks', async () => {
    await forSeeds(countRuns(50), async seed => {
      const made = createRandomDocument(seed)
      const expected = interpretIfSaid(made.document, made)
      if (expected === undefined) return
      const setting = new RandomSource(seed).pick(SETTINGS)
      const { events, result } = await runEngine(made, seed, { ...setting, onTaskError: 'fail-fast' })
      expectStoppedWell(expected, events, result)
      if (expected.status === 'error') expect(result.status).toBe('error')
    })
  })

  test('whose failures are all tolerated does not fail fast', async () => {
    let tolerantCount = 0
    for (let seed = 0; tolerantCount < 10; seed++) {
      const made = createRandomDocument(seed)
      const expected = interpretIfSaid(made.document, made)
      if (expected === undefined || !isTolerant(expected.tasks)) continue
      tolerantCount += 1
      for (const setting of SETTINGS.slice(0, 6)) {
        const { events, result } = await runEngine(made, seed, { ...setting, onTaskError: 'fail-fast' })
        expectAgreement(expected, { events, result, isWhole: true })
      }
    }
  })
})
