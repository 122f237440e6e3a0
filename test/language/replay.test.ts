import { expect, test } from 'vitest'
import type { ExecutionLoop } from '../../src/engine/execution-loop.ts'
import { resolveOptions } from '../../src/engine/options.ts'
import { compileWorkflow, JsonValue } from '../../src/index.ts'
import { createRandom, forSeeds } from '../support/random-graph.ts'
import { createRandomQuestions } from '../support/random-questions.ts'
import { expectReplayAlike } from '../support/replay-rig.ts'
import { countRuns, createTools, SETTINGS } from './language-rig.ts'
import { createRandomDocument } from './random-language-document.ts'

test('each prefix of a log with groups gives the table that the live execution had at that event', async () => {
  await forSeeds(countRuns(60), async seed => {
    const random = createRandom(seed)
    const made = createRandomDocument(seed)
    let running: ExecutionLoop | undefined
    const behave: typeof made.behave = call => {
      const fate = random()
      if (fate < 0.02) running?.cancel({ code: 'CANCELLED', message: 'By chance' })
      else if (fate < 0.04) running?.handOff()
      return made.behave(call)
    }
    const questions = createRandomQuestions(random, 0.2)
    const { tools } = createTools(behave, seed, new Map(), undefined, questions.ask)
    const approve = <T extends object>(task: T): T => (random() < 0.15 ? { ...task, approve: true } : task)
    const { tasks, finally: last } = made.document
    const document = { ...made.document, tasks: tasks.map(approve), ...(last && { finally: last.map(approve) }) }
    const plan = compileWorkflow(document, tools, { workflows: made.workflows })
    const setting = SETTINGS[Math.floor(random() * SETTINGS.length)]
    const onTaskError = random() < 0.3 ? 'fail-fast' : 'continue'
    const options = resolveOptions({
      ...setting,
      onTaskError,
      abortGraceMs: 1,
      random: () => 0.5,
      onInput: questions.onInput,
    })
    const input = JsonValue.from(made.input)
    const entries = await expectReplayAlike({ plan, input, options, random, onLife: loop => (running = loop) })
    const ends = entries.flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : []))
    const end = entries.at(-1)
    const totalTasks = end?.type === 'execution_complete' ? end.data.totalTasks : undefined
    expect([ends.length, new Set(ends).size]).toEqual([totalTasks, totalTasks])
  })
})
