import { expect, test } from 'vitest'
import type { ExecutionLoop } from '../../src/engine/execution-loop.ts'
import { resolveOptions } from '../../src/engine/options.ts'
import { compileWorkflow, type ToolContext } from '../../src/index.ts'
import { createRandom, createRandomGraph, forSeeds } from '../support/random-graph.ts'
import { createRandomQuestions } from '../support/random-questions.ts'
import { expectReplayAlike } from '../support/replay-rig.ts'

const SLOTS = [1, 2, 3, 8] as const

test('each prefix of any log gives the table that the live execution had at that event', async () => {
  let questionCount = 0
  await forSeeds(60, async seed => {
    const random = createRandom(seed)
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
    const graph = createRandomGraph(random, 25)
    const document = {
      tasks: graph.tasks.map(task => ({
        ...task,
        ...(random() < 0.1 && { approve: true }),
        ...(random() < 0.4 && { retry: { maxAttempts: 3, initialDelayMs: Math.floor(random() * 3) } }),
      })),
    }
    let running: ExecutionLoop | undefined
    const questions = createRandomQuestions(random)
    const execute = async (_: unknown, context: ToolContext): Promise<unknown> => {
      const fate = random()
      if (fate < 0.01) running?.cancel({ code: 'CANCELLED', message: 'By chance' })
      if (fate < 0.02) running?.handOff()
      for (let turn = Math.floor(random() * 3); turn > 0; turn--) await new Promise(resolve => setImmediate(resolve))
      await questions.ask(context)
      if (fate < 0.25) throw new Error('no')
      return fate
    }
    const limit = random() < 0.4 ? { limit: pick([1, 2, 3]) } : {}
    const plan = compileWorkflow(document, { work: { execute, ...limit } })
    const options = resolveOptions({
      schedule: pick(['layers', 'dataflow']),
      maxConcurrency: pick(SLOTS),
      onTaskError: random() < 0.3 ? 'fail-fast' : 'continue',
      abortGraceMs: 1,
      onInput: questions.onInput,
    })
    const entries = await expectReplayAlike({ plan, options, random, onLife: loop => (running = loop) })
    questionCount += entries.filter(({ type }) => type === 'input_required').length
    const ends = entries.flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : []))
    expect([ends.length, new Set(ends).size]).toEqual([document.tasks.length, document.tasks.length])
  })
  expect(questionCount).toBeGreaterThan(0)
})
