import { expect, test } from 'vitest'
import type { ExecutionLoop } from '../../src/engine/execution-loop.ts'
import { followPlan } from '../../src/engine/growth/follow-plan.ts'
import { expectPatch } from '../../src/engine/growth/patch-shape.ts'
import { PlanLineReader } from '../../src/engine/growth/plan-lines.ts'
import { resolvePlanOptions } from '../../src/engine/growth/plan-options.ts'
import { resolveOptions } from '../../src/engine/options.ts'
import { compileWorkflow, type DAGTask, JsonValue } from '../../src/index.ts'
import { WorkflowRegistry } from '../../src/plan/workflow-registry.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'
import { countRuns, createTools, SETTINGS } from '../language/language-rig.ts'
import { RandomSource } from '../language/random-source.ts'
import { createRandom, forSeeds } from '../support/random-graph.ts'
import { expectReplayAlike } from '../support/replay-rig.ts'
import { createPlan, markReadOnly, splitBytes, toLines } from './plan-rig.ts'

/** What happened to the documents of all seeds. */
interface Totals {
  patched: number
  removed: number
  rejected: number
}

/** Changes a document again and again while it runs: tasks join it, leave it and are replaced; some patches are refused. */
async function patchAtRandom(loop: ExecutionLoop, random: RandomSource, totals: Totals): Promise<void> {
  const desk = await loop.openPlan()
  if (desk === undefined) return
  for (let at = 0; at < 6 && !desk.isClosed; at++) {
    for (let turn = random.integer(0, 3); turn > 0; turn--) await new Promise(resolve => setImmediate(resolve))
    const ids = Array.from(loop.log.state.tasks.keys()).filter(id => !id.includes('['))
    if (ids.length === 0) continue
    const id = random.pick(ids)
    const task: DAGTask = { id, tool: 'echo', arguments: { at } }
    const added: DAGTask = { id: `p${loop.log.head}-${at}`, tool: 'count', dependsOn: [id] }
    const patch = random.pick([
      { remove: [id] },
      { replace: [task] },
      { add: [added] },
      { replace: [task], add: [added] },
    ])
    try {
      await desk.patch(expectPatch(patch))
      totals.patched += 1
      if (patch.add === undefined) totals.removed += 1
    } catch {
      totals.rejected += 1
    }
  }
}

test.each([true, false])(
  'each prefix of the log of a document that changes gives the table that the live execution had (streamed: %s)',
  async isStreamed => {
    const totals: Totals = { patched: 0, removed: 0, rejected: 0 }
    let lineCount = 0
    await forSeeds(countRuns(15), async seed => {
      const random = createRandom(seed)
      const source = new RandomSource(seed)
      const made = createPlan(seed)
      const { tools: called } = createTools(made.behave, seed)
      const tools = new ToolRegistry(markReadOnly(called, source))
      const workflows = WorkflowRegistry.from(made.workflows, tools)
      const streamed = resolvePlanOptions(0, { eager: source.pick(['read-only', 'all'] as const) })
      const lines = toLines(made.document, called, made.workflows)
      const document = isStreamed ? { tasks: [] } : made.document
      const setting = SETTINGS[Math.floor(random() * SETTINGS.length)]
      const schedule = isStreamed ? { schedule: 'dataflow' as const } : {}
      const write = async (loop: ExecutionLoop): Promise<void> => {
        const desk = await loop.openPlan()
        if (desk === undefined || desk.isSealed) return
        const rest = lines.slice(loop.log.state.planLine ?? 0).join('\n')
        await followPlan(loop, new PlanLineReader(splitBytes(rest, source), loop.log.state.planLine), streamed)
      }
      const entries = await expectReplayAlike({
        plan: compileWorkflow(document, tools, { workflows }),
        input: JsonValue.from(made.input),
        options: resolveOptions({ ...setting, ...schedule, abortGraceMs: 1, random: () => 0.5 }),
        random,
        growth: { tools, workflows },
        ...(isStreamed && { streamed }),
        onLife: loop => {
          if (isStreamed) void write(loop)
          void patchAtRandom(loop, source, totals)
        },
      })
      lineCount += entries.filter(({ type }) => type === 'plan_sealed').length
      const added = entries.flatMap(({ type, data }) =>
        type === 'tasks_added' ? data.tasks.map(each => each.taskId) : [],
      )
      const ends = entries.flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : []))
      const end = entries.at(-1)
      const totalTasks = end?.type === 'execution_complete' ? end.data.totalTasks : undefined
      expect([ends.length, added.length >= (isStreamed ? 1 : 0)]).toEqual([totalTasks, true])
    })
    expect(totals.patched).toBeGreaterThan(0)
    expect(totals.removed).toBeGreaterThan(0)
    expect(totals.rejected).toBeGreaterThan(0)
    expect(lineCount > 0).toBe(isStreamed)
  },
)
