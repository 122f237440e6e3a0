import { describe, expect, test } from 'vitest'
import type { DAGStructure, ExecutionResult, SSEEvent, Tool, ToolContext } from '../../src/index.ts'
import { SharedRig } from '../support/shared/shared-rig.ts'
import type { TestWorker } from '../support/shared/test-worker.ts'

// Every boundary at which a log can end: one commit after the other.

const use = (id: string, value: unknown, more: object = {}): DAGStructure['tasks'][number] =>
  ({ id, tool: 'work', arguments: { value }, ...more }) as DAGStructure['tasks'][number]

const WORKFLOWS: Readonly<Record<string, DAGStructure>> = {
  'a graph with failures, retries and finally': {
    tasks: [
      use('a', 1),
      use('b', '$OUTPUT[a]'),
      { id: 'c', tool: 'falter', dependsOn: ['a'], retry: { maxAttempts: 2, initialDelayMs: 10, jitter: 0 } },
      { id: 'd', tool: 'fail', dependsOn: ['b'] },
      use('e', 5, { dependsOn: ['d'] }),
      use('f', '${OUTPUT[b]} ${OUTPUT[c]}'),
    ],
    finally: [use('close', '$STATUS')],
  },
  'items and rounds': {
    tasks: [
      use('fan', '$ITEM', { forEach: ['x', 'y', 'z'], concurrency: 2 }),
      use('poll', '$INDEX', { repeat: { until: 'result >= 2', maxTimes: 5 } }),
      use('all', ['$OUTPUT[fan]', '$OUTPUT[poll]']),
    ],
  },
  'nested workflows': {
    tasks: [
      {
        id: 'flow',
        forEach: [1, 2],
        arguments: { of: '$ITEM' },
        workflow: {
          tasks: [use('in', '$INPUT.of'), use('out', ['$OUTPUT[in]'])],
          finally: [use('end', '$STATUS')],
        },
      },
      use('last', '$OUTPUT[flow]'),
    ],
  },
  'questions to people': {
    tasks: [{ id: 'ask', tool: 'ask' }, use('beside', 1), use('after', ['$OUTPUT[ask]', '$OUTPUT[beside]'])],
  },
}

/** What is killed when. */
interface Kill {
  /** The coordinator, right after this commit, from 1. */
  readonly coordinatorAfter?: number
  /** The workers that hold attempts, a millisecond after this commit. */
  readonly workersAfter?: number
}

interface Run {
  readonly commitCount: number
  readonly outcome: unknown
  readonly events: readonly SSEEvent[]
  readonly seqs: readonly number[]
  /** `task attempt` of each call. */
  readonly calls: readonly string[]
  /** Calls of tasks that had settled. */
  readonly lateCalls: readonly string[]
}

const MAX_TURNS = 400

/** Duration of a call, ms. */
const CALL_MS = 100

async function run(workflow: DAGStructure, { coordinatorAfter, workersAfter }: Kill = {}): Promise<Run> {
  const calls: string[] = []
  const lateCalls: string[] = []
  const recorded =
    (execute: (args: unknown, context: ToolContext, past: readonly SSEEvent[]) => unknown): Tool['execute'] =>
    async (args, context) => {
      calls.push(`${context.taskId} ${context.attempt}`)
      const past = (await rig.events()).filter(({ data }) => 'taskId' in data && data.taskId === context.taskId)
      if (past.some(({ type }) => type === 'task_complete')) lateCalls.push(context.taskId)
      context.reportUsage({ totalTokensIn: 1, totalTokensOut: 1 })
      context.emitToken('x')
      await new Promise<void>(resolve => clock.after(CALL_MS, resolve))
      return execute(args, context, past)
    }
  const rig = new SharedRig(
    {
      work: { execute: recorded(args => (args as { value: unknown }).value) },
      fail: { execute: recorded(() => Promise.reject(new Error('No'))) },
      falter: {
        execute: recorded((_, __, past) => {
          // Interrupted attempts change no outcome.
          if (past.some(({ type, data }) => type === 'task_retry' && !('interrupted' in data))) return 'at last'
          throw new Error('Not yet')
        }),
      },
      ask: { execute: recorded((_, context) => context.ask({ message: 'Go?' })) },
    },
    { onInput: async () => 'yes' },
  )
  const { store, clock } = rig
  const workers: TestWorker[] = [await rig.addWorker(2), await rig.addWorker(2)]
  let commitCount = 0
  const commit = store.commit.bind(store)
  store.commit = async (...given) => {
    await commit(...given)
    commitCount += 1
    if (commitCount !== workersAfter) return
    // Once they have taken what the commit orders.
    clock.after(1, () => {
      const holding = new Set(Array.from(store.tables.orders.values(), ({ worker }) => worker))
      for (const worker of workers) if (holding.has(worker.workerId)) worker.kill()
    })
  }
  let isLost = false
  let last = await rig.start(workflow)
  if (coordinatorAfter !== undefined) last.killAfter(coordinatorAfter, () => (isLost = true))
  for (let turn = 0; last.loop.log.ending === undefined; turn++) {
    if (turn > MAX_TURNS) throw new Error(`Stuck: ${JSON.stringify(await rig.outline('task_start', 'task_complete'))}`)
    if (isLost) {
      isLost = false
      const next = await rig.takeOver()
      if (next === undefined) throw new Error('Parked')
      last = next
    }
    if (workers.some(({ isDead }) => isDead)) {
      workers.splice(0, workers.length, ...workers.filter(({ isDead }) => !isDead), await rig.addWorker(2))
    }
    await clock.run(500)
    await store.orders.interruptExpired()
  }
  for (const worker of workers) worker.kill()
  const entries = await rig.entries()
  const { status, results, output } = (await last.loop.result) as ExecutionResult
  return {
    commitCount,
    outcome: { status, tasks: results.map(each => readTask(each as unknown as TaskResult)), output },
    events: entries.map(entry => entry.toEvent()),
    seqs: entries.map(({ seq }) => seq),
    calls,
    lateCalls,
  }
}

interface TaskResult {
  readonly taskId: string
  readonly status: string
  readonly items?: readonly TaskResult[]
  readonly tasks?: readonly TaskResult[]
  readonly [name: string]: unknown
}

function readTask(result: TaskResult): unknown {
  const { taskId, status, output, code, items, tasks } = result
  return { taskId, status, output, code, items: items?.map(readTask), tasks: tasks?.map(readTask) }
}

/** What holds at every boundary. */
function expectWhole({ seqs, events, calls, lateCalls, outcome }: Run, undisturbed: Run): void {
  expect(outcome).toEqual(undisturbed.outcome)
  expect(seqs).toEqual(seqs.map((_, at) => at + 1))
  const ends = (all: readonly SSEEvent[]): string[] =>
    all.flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : [])).sort()
  expect(ends(events)).toEqual(ends(undisturbed.events))
  expect(new Set(ends(events)).size).toBe(ends(events).length)
  expect(events.filter(({ type }) => type === 'execution_complete')).toHaveLength(1)
  expect(lateCalls).toEqual([])
  expect(new Set(calls).size).toBe(calls.length)
}

const countInterrupted = ({ events }: Run): number =>
  events.filter(({ type, data }) => type === 'task_retry' && 'interrupted' in data).length

describe.each(Object.entries(WORKFLOWS))('%s', (_, workflow) => {
  test('a coordinator that dies at any boundary changes nothing, and its attempts go on', async () => {
    const undisturbed = await run(workflow)
    expect(undisturbed.commitCount).toBeGreaterThan(5)
    let takeoverCount = 0
    for (let after = 1; after < undisturbed.commitCount; after++) {
      const disturbed = await run(workflow, { coordinatorAfter: after })
      expectWhole(disturbed, undisturbed)
      expect(disturbed.calls.toSorted()).toEqual(undisturbed.calls.toSorted())
      expect([after, countInterrupted(disturbed)]).toEqual([after, 0])
      takeoverCount += disturbed.events.filter(({ type }) => type === 'execution_resumed').length
    }
    // The last of them end the execution.
    expect(takeoverCount).toBeGreaterThan(5)
  })

  test('a worker that dies at any boundary costs its attempts, which run again once', async () => {
    const undisturbed = await run(workflow)
    let interruptedCount = 0
    for (let after = 1; after < undisturbed.commitCount; after++) {
      const disturbed = await run(workflow, { workersAfter: after })
      expectWhole(disturbed, undisturbed)
      interruptedCount += countInterrupted(disturbed)
    }
    expect(interruptedCount).toBeGreaterThan(0)
  })

  test('a coordinator and the workers that die at the same boundary', async () => {
    const undisturbed = await run(workflow)
    for (let after = 1; after < undisturbed.commitCount; after++) {
      expectWhole(await run(workflow, { coordinatorAfter: after, workersAfter: after }), undisturbed)
    }
  })
})
