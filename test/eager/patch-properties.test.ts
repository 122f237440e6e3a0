import { expect, test } from 'vitest'
import { describeDocument } from '../../src/engine/growth/describe-document.ts'
import {
  applyEvent,
  createMemoryStore,
  createState,
  type ExecutionResult,
  type DAGStructure,
  type ExecutionState,
  type SSEEvent,
  StreamingExecutor,
  validateWorkflow,
} from '../../src/index.ts'
import { parseJson } from '../../src/json/parse-json.ts'
import { expectAgreement } from '../language/agreement.ts'
import { isCountable } from '../language/outcome.ts'
import { expectFold } from '../language/event-order.ts'
import { countRuns, createTools, waitForEnd, withWorkflows } from '../language/language-rig.ts'
import type { RandomDocument } from '../language/random-language-document.ts'
import { RandomSource } from '../language/random-source.ts'
import { type Interpretation, interpretIfSaid } from '../language/reference-interpreter.ts'
import { countAttempts, type Kept, leaveAfter, readKept } from '../support/crash.ts'
import { forSeeds } from '../support/random-graph.ts'
import { collectEvents } from '../support/rig.ts'
import { applyPatch, createPatch, createPatchedDocument, patchOrCode } from './patch-rig.ts'

/** An execution that was patched. */
interface Patched {
  readonly made: RandomDocument
  /** As the patches that were not refused have made it. */
  readonly document: DAGStructure
  readonly kept: Kept
  readonly events: readonly SSEEvent[]
  readonly result: ExecutionResult
}

/** Runs a random document and patches it at random moments. */
async function runPatched(seed: number): Promise<Patched> {
  const random = new RandomSource(seed)
  const { tools: names } = createTools(() => ({ output: null }), seed)
  const { made, pool } = createPatchedDocument(seed, names)
  const { tools } = createTools(made.behave, seed)
  const store = createMemoryStore()
  const options = {
    store,
    maxConcurrency: random.pick([1, 2, 3, 8]),
    schedule: random.pick(['layers', 'dataflow'] as const),
  }
  const executor = new StreamingExecutor(tools, withWorkflows(made, options))
  const execution = executor.stream(made.document, { input: made.input })
  const events = collectEvents(execution)
  let document = made.document
  const known = { workflows: made.workflows, input: made.input }
  for (let left = random.integer(1, 5); left > 0; left--) {
    for (let turn = random.pick([0, 0, 1, 1, 2, 4]); turn > 0; turn--)
      await new Promise(resolve => setImmediate(resolve))
    // At once: the second one is decided after the first.
    const patches = Array.from({ length: random.chance(0.2) ? 2 : 1 }, () =>
      createPatch(random, document, pool, listStarted(events)),
    ).filter(({ add, remove, replace }) => [add, remove, replace].flat().length > 0)
    const codes = patches.map(patch => patchOrCode(execution, patch))
    for (const [at, patch] of patches.entries()) {
      const code = await codes[at]
      const next = applyPatch(document, patch)
      const { valid } = validateWorkflow(next, tools, known)
      // Nothing but its content refuses a patch as invalid, and nothing invalid is done.
      if (code === undefined || code === 'INVALID_WORKFLOW') expect([valid, code]).toEqual([code === undefined, code])
      else expect(['PLAN_CONFLICT', 'EXECUTION_ENDED']).toContain(code)
      if (code === undefined) document = next
    }
  }
  const result = await waitForEnd(execution, events)
  const kept = await readKept(store, execution.executionId)
  return { made, document, kept, events, result }
}

/** Both sides in the order of the results: tasks that joined come behind the others. */
function sort({ tasks, ...rest }: Interpretation, results: readonly { readonly taskId: string }[]): Interpretation {
  const order = new Map(results.map(({ taskId }, at) => [taskId, at]))
  return { ...rest, tasks: tasks.toSorted((a, b) => (order.get(a.taskId) ?? 0) - (order.get(b.taskId) ?? 0)) }
}

const idsOf = ({ tasks, finally: last = [] }: DAGStructure): string[] => [...tasks, ...last].map(({ id }) => id).sort()

test('a document that is patched at random moments ends as the one that results', async () => {
  await forSeeds(countRuns(25), async seed => {
    const { made, document, events, result, kept } = await runPatched(seed)
    const state = fold(kept, kept.entries.length)
    const described = describeDocument(parseJson(kept.record.workflow as string) as DAGStructure, state)
    expect(idsOf(described)).toEqual(idsOf(document))
    if (document.tasks.length === 0) return
    const expected = interpretIfSaid(document, { ...made })
    // How the items of a fan-out that is cut short end depends on the moment.
    if (expected === undefined || !isCountable(expected.tasks)) return
    const { results } = result
    expectAgreement(sort(expected, results), { events: events, result, isWhole: true })
    expectFold(events, result)
    expectOrder(document, events)
  })
})

test('an execution that is patched and cut off after any event ends as its document at that event', async () => {
  await forSeeds(countRuns(5), async seed => {
    const { made, kept } = await runPatched(seed)
    const random = new RandomSource(seed)
    for (let count = 1; count < kept.entries.length; count += random.integer(1, 4)) {
      const state = fold(kept, count)
      const document = describeDocument(parseJson(kept.record.workflow as string) as DAGStructure, state)
      // Between the two events of a patch there is no document.
      const { tools } = createTools(made.behave, seed, countAttempts(kept, count))
      const isSplit = kept.entries[count - 1]?.type === 'tasks_removed' && kept.entries[count]?.type === 'tasks_added'
      const expected = isSplit || document.tasks.length === 0 ? undefined : interpretIfSaid(document, { ...made })
      if (expected === undefined) continue
      const store = await leaveAfter(kept, count, { maxTailEvents: random.chance(0.3) ? 5 : 10_000 })
      const executor = new StreamingExecutor(tools, withWorkflows(made, { store }))
      const resumed = await executor.resume(kept.record.executionId).catch((error: unknown) => {
        throw new Error(`after ${count} events: ${(error as Error).message}`, { cause: error })
      })
      const ended = await waitForEnd(resumed, [])
      const { tasks, status, output } = sort(expected, ended.results)
      try {
        expect([ended.status, ended.output, ended.results.map(each => [each.taskId, each.status])]).toEqual([
          status,
          output,
          tasks.map(each => [each.taskId, each.status]),
        ])
      } catch (error) {
        throw new Error(`after ${count} events: ${(error as Error).message}`, { cause: error })
      }
    }
  })
})

function fold({ entries }: Kept, count: number): ExecutionState {
  const state = createState('')
  for (const { type, json, seq } of entries.slice(0, count)) {
    applyEvent(state, { type, data: JSON.parse(json) }, seq)
  }
  return state
}

function listStarted(events: readonly SSEEvent[]): ReadonlySet<string> {
  return new Set(
    events.flatMap(({ type, data }) => (type === 'task_start' || type === 'task_complete' ? [data.taskId] : [])),
  )
}

/** Every task starts after the ends of its dependencies. */
function expectOrder({ tasks }: DAGStructure, events: readonly SSEEvent[]): void {
  const ended = new Set<string>()
  const dependencies = new Map(tasks.map(({ id, dependsOn = [] }) => [id, dependsOn]))
  for (const { type, data } of events) {
    if (type === 'task_complete') ended.add(data.taskId)
    if (type !== 'task_start') continue
    for (const id of dependencies.get(data.taskId) ?? [])
      expect(ended.has(id), `${id} before ${data.taskId}`).toBe(true)
  }
}
