import { expect, test } from 'vitest'
import type { ExecutionLoop } from '../../src/engine/execution-loop.ts'
import { followPlan } from '../../src/engine/growth/follow-plan.ts'
import { PlanLineReader } from '../../src/engine/growth/plan-lines.ts'
import { resolvePlanOptions } from '../../src/engine/growth/plan-options.ts'
import { resolveOptions } from '../../src/engine/options.ts'
import {
  compileWorkflow,
  createMemoryStore,
  type SSEEvent,
  StreamingExecutor,
  WorkflowRegistry,
} from '../../src/index.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'
import { expectFold } from '../language/event-order.ts'
import { countRuns, createTools, waitForEnd, withWorkflows } from '../language/language-rig.ts'
import { RandomSource } from '../language/random-source.ts'
import { countAttempts, leaveAfter, readKept } from '../support/crash.ts'
import { createRandom, forSeeds } from '../support/random-graph.ts'
import { expectReplayAlike } from '../support/replay-rig.ts'
import { collectEvents } from '../support/rig.ts'
import { createCase, createPlannerTools, describeEnds, describeExpected, LineModel } from './planner-rig.ts'

const DOCUMENT = { tasks: [{ id: 'p', tool: 'llm:plan', arguments: { prompt: 'Do it' }, optional: true }] }
const SLOTS = [1, 2, 3, 8] as const

test('random documents end alike when a model plans them within a task', async () => {
  await forSeeds(countRuns(30), async seed => {
    const planned = createCase(seed)
    if (planned === undefined) return
    const random = new RandomSource(seed)
    const options = withWorkflows(planned.made, {
      maxConcurrency: random.pick(SLOTS),
      schedule: random.pick(['layers', 'dataflow'] as const),
    })
    const tools = createPlannerTools(planned, seed, new LineModel(planned.lines, random))
    const execution = new StreamingExecutor(tools, options).stream(DOCUMENT)
    const events: readonly SSEEvent[] = collectEvents(execution)
    const result = await waitForEnd(execution, events)
    const expected = describeExpected(planned)
    expect(describeEnds(events, expected)).toEqual(expected)
    expectFold(events, result)
  })
})

test('a planner that is cut off after any event goes on behind what was accepted', async () => {
  await forSeeds(countRuns(8), async seed => {
    const planned = createCase(seed)
    if (planned === undefined) return
    const random = new RandomSource(seed)
    const store = createMemoryStore()
    const options = withWorkflows(planned.made, { store, maxConcurrency: random.pick(SLOTS) })
    const tools = createPlannerTools(planned, seed, new LineModel(planned.lines, random))
    const whole = new StreamingExecutor(tools, options).stream(DOCUMENT)
    await waitForEnd(whole, collectEvents(whole))
    const kept = await readKept(store, whole.executionId)
    const expected = describeExpected(planned)
    for (let count = 0; count < kept.entries.length; count += random.integer(1, 6)) {
      const isShort = random.chance(0.3)
      const next = await leaveAfter(kept, count, { maxTailEvents: isShort ? 5 : 10_000 })
      const model = new LineModel(planned.lines, random, 0)
      const again = createPlannerTools(planned, seed, model, countAttempts(kept, count))
      const executor = new StreamingExecutor(again, withWorkflows(planned.made, { store: next }))
      const resumed = await executor.resume(kept.record.executionId)
      const events: readonly SSEEvent[] = isShort ? [] : collectEvents(resumed)
      const result = await waitForEnd(resumed, events)
      const where = `after ${count} of ${kept.entries.length} events`
      expect(
        result.results.map(({ taskId, status }) => [taskId, status]),
        where,
      ).toEqual([
        [
          'p',
          planned.expected.some(({ status, substitute }) => status === 'error' && substitute === undefined)
            ? 'error'
            : 'success',
        ],
      ])
      if (!isShort) expect(describeEnds(events, expected), where).toEqual(expected)
    }
  })
})

test('each prefix of a log with planners gives the table that the live execution had at that event', async () => {
  await forSeeds(countRuns(20), async seed => {
    const planned = createCase(seed)
    if (planned === undefined) return
    const random = createRandom(seed)
    const source = new RandomSource(seed)
    let running: ExecutionLoop | undefined
    const behave: typeof planned.made.behave = call => {
      const fate = random()
      if (fate < 0.02) running?.cancel({ code: 'CANCELLED', message: 'By chance' })
      else if (fate < 0.04) running?.handOff()
      return planned.made.behave(call)
    }
    const made = { ...planned.made, behave }
    const tools = new ToolRegistry(
      createPlannerTools({ ...planned, made }, seed, new LineModel(planned.lines, source, 0.5)),
    )
    const workflows = new WorkflowRegistry(made.workflows, tools)
    const options = resolveOptions({
      maxConcurrency: source.pick(SLOTS),
      onTaskError: random() < 0.3 ? 'fail-fast' : 'continue',
      abortGraceMs: 1,
      random: () => 0.5,
    })
    const plan = compileWorkflow(DOCUMENT, tools)
    const growth = { tools, workflows }
    const entries = await expectReplayAlike({ plan, options, random, growth, onLife: loop => (running = loop) })
    const ends = entries.flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : []))
    const end = entries.at(-1)
    const totalTasks = end?.type === 'execution_complete' ? end.data.totalTasks : undefined
    expect([ends.length, new Set(ends).size]).toEqual([totalTasks, totalTasks])
  })
})

test('each prefix of the log of a streamed plan gives the table that the live execution had at that event', async () => {
  await forSeeds(countRuns(20), async seed => {
    const planned = createCase(seed)
    if (planned === undefined) return
    const random = createRandom(seed)
    const source = new RandomSource(seed)
    const { made, lines } = planned
    const tools = new ToolRegistry(createTools(made.behave, seed).tools)
    const workflows = new WorkflowRegistry(made.workflows, tools)
    const options = resolveOptions({
      maxConcurrency: source.pick(SLOTS),
      schedule: 'dataflow',
      abortGraceMs: 1,
      random: () => 0.5,
    })
    const streamed = resolvePlanOptions(0, { eager: source.pick(['read-only', 'all'] as const) })
    const plan = compileWorkflow({ tasks: [] }, tools)
    const rest = async function* (from: number): AsyncGenerator<string> {
      for (const text of lines.slice(from)) {
        for (let turn = source.integer(0, 2); turn > 0; turn--) await new Promise(resolve => setImmediate(resolve))
        yield `${text}\n`
      }
    }
    await expectReplayAlike({
      plan,
      options,
      random,
      streamed,
      growth: { tools, workflows },
      onLife: loop => {
        const from = loop.log.state.planLine ?? 0
        const isSealed = loop.log.head > 0 && loop.log.state.isUnsealed !== true
        if (!isSealed) void followPlan(loop, new PlanLineReader(rest(from), from), streamed)
      },
    })
  })
})
