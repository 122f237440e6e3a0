import { describe, expect, test } from 'vitest'
import {
  createMemoryStore,
  type DocumentTaskResult,
  type ExecutionOptions,
  type SSEEvent,
  StreamingExecutor,
} from '../../src/index.ts'
import { countAttempts, type Kept, leaveAfter, readKept } from '../support/crash.ts'
import { IS_LONG } from '../support/long-form.ts'
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
  waitForEnd,
  withWorkflows,
} from './language-rig.ts'
import { createRandomDocument, type RandomDocument } from './random-language-document.ts'
import { RandomSource } from './random-source.ts'
import { type Interpretation, interpretIfSaid } from './reference-interpreter.ts'

type Setting = Required<Pick<ExecutionOptions, 'schedule' | 'maxConcurrency'>>

/** The tasks that have ended in the first `count` events of a log. */
function readSettled(kept: Kept, count: number): Set<string> {
  const ends = kept.entries.slice(0, count).filter(({ type }) => type === 'task_complete')
  return new Set(ends.map(({ json }) => (JSON.parse(json) as { readonly taskId: string }).taskId))
}

/** Takes an execution up after `count` events, to its end, and returns what the store has then. */
async function resumeAfter(
  made: RandomDocument,
  expected: Interpretation,
  { seed, setting, kept, count }: { seed: number; setting: Setting; kept: Kept; count: number },
): Promise<Kept> {
  const { executionId } = kept.record
  const store = await leaveAfter(kept, count)
  const settled = readSettled(kept, count)
  const { tools, called, peak } = createTools(made.behave, seed, countAttempts(kept, count))
  const execution = await new StreamingExecutor(tools, withWorkflows(made, { store })).resume(executionId)
  const events: readonly SSEEvent[] = collectEvents(execution)
  const result = await waitForEnd(execution, events)
  try {
    expectAgreement(expected, { events, result, isWhole: false })
    expectOrder(expected.tasks, events, setting.schedule)
    expectFold(events, result)
    expect(called.filter(taskId => settled.has(taskId))).toEqual([])
    expect(peak()).toBeLessThanOrEqual(setting.maxConcurrency)
    expect(events.map(({ id }) => Number(id?.split('.')[1]))).toEqual(events.map((_, at) => at + 1))
    expect(events.slice(0, count).map(({ type }) => type)).toEqual(kept.entries.slice(0, count).map(({ type }) => type))
    expect(events.filter(({ type }) => type === 'execution_complete')).toHaveLength(1)
  } catch (error) {
    const where = `left after ${count} of ${kept.entries.length} events, ${setting.schedule}, ${setting.maxConcurrency} slots`
    throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
  return readKept(store, executionId)
}

/** Runs a random document to its end; `undefined` if the contract leaves something of it open. */
async function runWhole(
  seed: number,
  isPlain: boolean,
): Promise<{ made: RandomDocument; expected: Interpretation; setting: Setting; kept: Kept } | undefined> {
  const made = createRandomDocument(seed, isPlain)
  const expected = interpretIfSaid(made.document, made)
  if (expected === undefined) return undefined
  const setting = new RandomSource(seed).pick(SETTINGS)
  const store = createMemoryStore()
  const { result } = await runEngine(made, seed, { ...setting, store })
  return { made, expected, setting, kept: await readKept(store, result.executionId) }
}

/** How many places of a log the short form tries, on average; the long form tries each. */
const PLACES = 12

/** Leaves an execution after each event, or after some of them, and expects the same end each time. */
async function expectResumedAlike(seed: number, isPlain: boolean): Promise<void> {
  const whole = await runWhole(seed, isPlain)
  if (whole === undefined) return
  const { made, expected, ...rest } = whole
  const places = Array.from({ length: whole.kept.entries.length + 1 }, (_, count) => count)
  const tried = IS_LONG ? places : new RandomSource(seed).some(places, PLACES / places.length)
  for (const count of tried) await resumeAfter(made, expected, { seed, count, ...rest })
}

function countResults(results: readonly DocumentTaskResult[]): number {
  return results.reduce((sum, { items, tasks }) => sum + 1 + countResults(items ?? tasks ?? []), 0)
}

test('a document without the words of the language, left after any event, ends as the reference says', async () => {
  await forSeeds(countRuns(4), seed => expectResumedAlike(seed, true))
})

// Skipped as long as the checks refuse the words of the language.
describe.skipIf(!isLanguageImplemented)('a random document', () => {
  test('left after any event ends as the reference says, and calls no settled task', async () => {
    await forSeeds(countRuns(IS_LONG ? 60 : 15), seed => expectResumedAlike(seed, false))
  })

  test('whose first events a store has evicted ends as the reference says', async () => {
    await forSeeds(countRuns(IS_LONG ? 400 : 60), async seed => {
      const whole = await runWhole(seed, false)
      if (whole === undefined) return
      const { made, expected, setting } = whole
      const random = new RandomSource(seed)
      // With interrupted attempts.
      const half = random.integer(0, whole.kept.entries.length)
      const kept = await resumeAfter(made, expected, { seed, setting, kept: whole.kept, count: half })
      const count = random.integer(1, kept.entries.length)
      const store = await leaveAfter(kept, count, { maxTailEvents: random.integer(1, count) })
      const settled = readSettled(kept, count)
      const { tools, called } = createTools(made.behave, seed, countAttempts(kept, count))
      const resuming = new StreamingExecutor(tools, withWorkflows(made, { store })).resume(kept.record.executionId)
      const result = await waitForEnd(await resuming, [])
      const told = result.results.map(({ taskId, status, code, output }) => [taskId, code ?? status, output])
      expect(told).toEqual(expected.tasks.map(({ taskId, status, code, output }) => [taskId, code ?? status, output]))
      expect([result.status, result.output]).toEqual([expected.status, expected.output])
      expect(result.totalTasks).toBe(countResults(result.results))
      expect(called.filter(taskId => settled.has(taskId))).toEqual([])
    })
  })

  test('left again and again ends as the reference says', async () => {
    await forSeeds(countRuns(IS_LONG ? 100 : 20), async seed => {
      const whole = await runWhole(seed, false)
      if (whole === undefined) return
      const { made, expected, setting } = whole
      const random = new RandomSource(seed)
      let { kept } = whole
      let count = 0
      for (let life = 2; life <= 4; life++) {
        count = random.integer(count, kept.entries.length)
        kept = await resumeAfter(made, expected, { seed, setting, kept, count })
      }
    })
  })
})
