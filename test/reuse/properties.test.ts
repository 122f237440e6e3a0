import { expect, test } from 'vitest'
import { resolveOptions } from '../../src/engine/options.ts'
import { readRecordedTasks } from '../../src/engine/reuse/fork-source.ts'
import {
  compileWorkflow,
  createMemoryStore,
  type ExecutionStore,
  type ForkOptions,
  JsonValue,
  type SSEEvent,
  type StoredExecution,
  StreamingExecutor,
  type TaskResult,
} from '../../src/index.ts'
import { expectAgreement, readEnds } from '../language/agreement.ts'
import { expectFold } from '../language/event-order.ts'
import { countRuns, createTools, runEngine, SETTINGS, waitForEnd, withWorkflows } from '../language/language-rig.ts'
import { flatten } from '../language/outcome.ts'
import { createRandomDocument, type RandomDocument } from '../language/random-language-document.ts'
import { RandomSource } from '../language/random-source.ts'
import { type Interpretation, interpretIfSaid } from '../language/reference-interpreter.ts'
import { countAttempts, leaveAfter, readKept } from '../support/crash.ts'
import { createRandom, forSeeds } from '../support/random-graph.ts'
import { collectEvents } from '../support/rig.ts'
import { expectReplayAlike } from '../support/replay-rig.ts'

interface Old {
  readonly made: RandomDocument
  readonly expected: Interpretation
  readonly store: ExecutionStore
  readonly executionId: string
  readonly ends: ReadonlyMap<string, TaskResult>
}

/** Runs a random document to its end; `undefined` if the contract leaves something of it open. */
async function runOld(seed: number): Promise<Old | undefined> {
  const made = createRandomDocument(seed)
  const expected = interpretIfSaid(made.document, made)
  if (expected === undefined) return undefined
  // A stop may end a task before its next attempt would have succeeded: the reference leaves that open.
  if (flatten(expected.tasks).some(({ exceeded }) => exceeded !== undefined)) return undefined
  const store = createMemoryStore()
  const setting = new RandomSource(seed).pick(SETTINGS)
  const { result, events } = await runEngine(made, seed, { ...setting, store })
  return { made, expected, store, executionId: result.executionId, ends: readEnds(events) }
}

interface Forked {
  readonly executionId: string
  readonly events: readonly SSEEvent[]
  readonly called: readonly string[]
}

async function follow(
  { made, expected }: Old,
  seed: number,
  store: ExecutionStore,
  begin: (executor: StreamingExecutor) => ReturnType<StreamingExecutor['fork']>,
  attemptsBefore: ReadonlyMap<string, number> = new Map(),
): Promise<Forked> {
  const { tools, called } = createTools(made.behave, seed, attemptsBefore)
  const execution = await begin(new StreamingExecutor(tools, withWorkflows(made, { store })))
  const events = collectEvents(execution)
  const result = await waitForEnd(execution, events)
  expectAgreement(expected, { events, result, isWhole: false })
  expectFold(events, result)
  return { executionId: execution.executionId, events, called }
}

const fork = (old: Old, seed: number, options?: ForkOptions): Promise<Forked> =>
  follow(old, seed, old.store, executor => executor.fork(old.executionId, options))

const listTaken = (events: readonly SSEEvent[]): TaskResult[] =>
  [...readEnds(events).values()].filter(({ reusedFrom }) => reusedFrom !== undefined)

/** By task, where its result came from. The order of ends is left out: the pauses of a loop take real time. */
const mapOrigins = (events: readonly SSEEvent[]): Map<string, TaskResult['reusedFrom']> =>
  new Map(listTaken(events).map(({ taskId, reusedFrom }) => [taskId, reusedFrom]))

test('a fork of any document ends as the document run anew, and takes over only what succeeded, as it was', async () => {
  let takenCount = 0
  await forSeeds(countRuns(60), async seed => {
    const old = await runOld(seed)
    if (old === undefined) return
    const { events, called } = await fork(old, seed)
    const taken = listTaken(events)
    takenCount += taken.length
    for (const { taskId, output, reusedFrom } of taken) {
      expect(old.ends.get(taskId)).toMatchObject({ status: 'success', output })
      expect(reusedFrom).toEqual({ executionId: old.executionId, taskId })
      expect(called).not.toContain(taskId)
    }
  })
  expect(takenCount).toBeGreaterThan(0)
})

test('a fork of a fork without a failure calls nothing', async () => {
  let count = 0
  await forSeeds(countRuns(120), async seed => {
    const old = await runOld(seed)
    if (old === undefined || [...old.ends.values()].some(({ status }) => status === 'error' || status === 'cancelled'))
      return
    count += 1
    const first = await fork(old, seed)
    expect(first.called).toEqual([])
    const second = await fork({ ...old, executionId: first.executionId }, seed)
    expect(second.called).toEqual([])
    expect(mapOrigins(second.events)).toEqual(mapOrigins(first.events))
  })
  expect(count).toBeGreaterThan(0)
})

test('a task of `from` and its children are never taken over', async () => {
  await forSeeds(countRuns(40), async seed => {
    const old = await runOld(seed)
    if (old === undefined) return
    const from = new RandomSource(seed).pick([...old.ends.keys()])
    const { events } = await fork(old, seed, { from: [from] })
    const isBelow = (id: string): boolean => id === from || id.startsWith(`${from}[`) || id.startsWith(`${from}/`)
    expect(listTaken(events).filter(({ taskId }) => isBelow(taskId))).toEqual([])
  })
})

test('a fork that is left after any event ends alike, whether the old execution is still there or not', async () => {
  await forSeeds(countRuns(15), async seed => {
    const old = await runOld(seed)
    if (old === undefined) return
    const whole = await fork(old, seed)
    const kept = await readKept(old.store, whole.executionId)
    const keptOld = await readKept(old.store, old.executionId)
    const places = Array.from({ length: kept.entries.length }, (_, count) => count)
    for (const count of new RandomSource(seed).some(places, 6 / places.length)) {
      for (const isThere of [true, false]) {
        const store = await leaveAfter(kept, count)
        if (isThere) await leaveAfter(keptOld, keptOld.entries.length, { store })
        const { events, called } = await follow(
          old,
          seed,
          store,
          executor => executor.resume(whole.executionId),
          countAttempts(kept, count),
        )
        const taken = listTaken(events).map(({ taskId }) => taskId)
        expect(called.filter(id => taken.includes(id))).toEqual([])
        if (isThere) expect(taken.toSorted()).toEqual(listIds(whole.events))
      }
    }
  })
})

const listIds = (events: readonly SSEEvent[]): string[] =>
  listTaken(events)
    .map(({ taskId }) => taskId)
    .toSorted()

test('each prefix of the log of a fork gives the table that the live execution had at that event', async () => {
  await forSeeds(countRuns(25), async seed => {
    const old = await runOld(seed)
    if (old === undefined) return
    const { made, store, executionId } = old
    const stored = (await store.get(executionId)) as StoredExecution
    const recorded = await readRecordedTasks(stored, store)
    const { tools } = createTools(made.behave, seed)
    const plan = compileWorkflow(made.document, tools, { workflows: made.workflows })
    const random = createRandom(seed)
    const from = random() < 0.5 ? [] : [new RandomSource(seed).pick(plan.tasks.map(({ id }) => id))]
    const options = resolveOptions({ ...new RandomSource(seed).pick(SETTINGS), abortGraceMs: 1, random: () => 0.5 })
    const input = JsonValue.from(made.input)
    await expectReplayAlike({ plan, input, options, random, fork: { recorded, from }, onLife: () => {} })
  })
})
