import { describe, expect, test } from 'vitest'
import { ParallelExecutor, validateWorkflow } from '../../src/index.ts'
import { forSeeds } from '../support/random-graph.ts'
import { expectAgreement } from './agreement.ts'
import { expectFold, expectOrder } from './event-order.ts'
import { countRuns, createTools, isLanguageImplemented, runEngine, SETTINGS, withWorkflows } from './language-rig.ts'
import { createRandomDocument } from './random-language-document.ts'
import { interpretIfSaid } from './reference-interpreter.ts'

async function expectSameEverywhere(seed: number, isPlain: boolean): Promise<void> {
  const made = createRandomDocument(seed, isPlain)
  const expected = interpretIfSaid(made.document, made)
  if (expected === undefined) return
  for (const setting of SETTINGS) {
    const { events, result, peak } = await runEngine(made, seed, setting)
    try {
      expectAgreement(expected, { events, result, isWhole: true })
      expectOrder(expected.tasks, events, setting.schedule)
      expectFold(events, result)
      expect(peak).toBeLessThanOrEqual(setting.maxConcurrency)
    } catch (error) {
      const where = `${setting.schedule}, ${setting.maxConcurrency} slots`
      throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}

test('a document without the words of the language ends as the reference says, for all slots and schedules', async () => {
  await forSeeds(countRuns(20), seed => expectSameEverywhere(seed, true))
})

// Skipped as long as the checks refuse the words of the language.
describe.skipIf(!isLanguageImplemented)('a random document', () => {
  test('is valid', async () => {
    await forSeeds(countRuns(100), async seed => {
      const made = createRandomDocument(seed)
      const { tools } = createTools(made.behave, seed)
      const options = { input: made.input, workflows: made.workflows }
      expect(validateWorkflow(made.document, tools, options).issues).toEqual([])
    })
  })

  test('ends as the reference says, for all slots and schedules', async () => {
    await forSeeds(countRuns(30), seed => expectSameEverywhere(seed, false))
  })

  test('ends as the reference says without a reader', async () => {
    await forSeeds(countRuns(30), async seed => {
      const made = createRandomDocument(seed)
      const expected = interpretIfSaid(made.document, made)
      if (expected === undefined) return
      const { tools } = createTools(made.behave, seed)
      const executor = new ParallelExecutor(tools, withWorkflows(made, {}))
      const { status, results } = await executor.execute(made.document, { input: made.input })
      expect(status).toBe(expected.status)
      expect(results.map(result => [result.taskId, result.status])).toEqual(
        expected.tasks.map(task => [task.taskId, task.status]),
      )
    })
  })

  test('runs twice at once on one executor, and each execution is complete', async () => {
    await forSeeds(countRuns(20), async seed => {
      const made = createRandomDocument(seed)
      const expected = interpretIfSaid(made.document, made)
      if (expected === undefined) return
      const runs = await Promise.all(SETTINGS.slice(1, 4).map(setting => runEngine(made, seed, setting)))
      for (const { events, result } of runs) {
        expectAgreement(expected, { events, result, isWhole: true })
        expect(new Set(events.map(({ data }) => data.executionId)).size).toBe(1)
      }
    })
  })
})
