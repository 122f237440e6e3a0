import { expect, test } from 'vitest'
import type { SharedStore } from '../../src/cluster/shared-store.ts'
import type { DAGStructure, ExecutionOptions, Tool, ToolContext } from '../../src/index.ts'
import { startWorker } from '../../src/worker/run-worker.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { outputsOf, SharedRig } from '../support/shared/shared-rig.ts'
import { TestCoordinator } from '../support/shared/test-coordinator.ts'
import { task, workflow } from '../support/workflows.ts'

// The success of a task and the orders that follow from it are one commit.

type Commit = Parameters<SharedStore['commit']>

/** What a commit writes: `type task` of its events, and `order task` of its orders. */
function outline([, , entries, { orders }]: Commit): string[] {
  const events = entries
    .filter(({ type }) => type === 'task_start' || type === 'task_complete')
    .map(({ type, data }) => `${type} ${'taskId' in data ? data.taskId : ''}`)
  return [...events, ...orders.map(({ command }) => `order ${command.taskId}`)]
}

interface CommitRig {
  readonly rig: SharedRig
  readonly commits: string[][]
  readonly start: (document: DAGStructure) => Promise<TestCoordinator>
  /** Called before each commit. */
  onCommit: (outlined: readonly string[]) => Promise<void>
}

const echo: Tool['execute'] = (args, { taskId }) => ({ taskId, args })

async function createRig(execute = echo, given: ExecutionOptions = {}): Promise<CommitRig> {
  const rig = new SharedRig({ work: { execute } }, given)
  const { store, tools, clock, options } = rig
  await startWorker({ store: store.connect(), tools, clock, random: () => 0.5, workerId: 'w1', drainMs: 1000 })
  const commits: string[][] = []
  const made: CommitRig = {
    rig,
    commits,
    onCommit: async () => {},
    start: document => {
      const observed: SharedStore = {
        ...store,
        commit: async (...given: Commit) => {
          const outlined = outline(given)
          if (outlined.length > 0) commits.push(outlined)
          await made.onCommit(outlined)
          return await store.commit(...given)
        },
      }
      return TestCoordinator.start(document, undefined, { store: observed, tools, options })
    },
  }
  return made
}

test('a chain takes one commit a step, and references read an output that is not in the log yet', async () => {
  const { rig, commits, start } = await createRig()
  const coordinator = await start(
    workflow('a', { ...task('b', ['a']), arguments: { from: '$OUTPUT[a].taskId' } }, task('c', ['b'])),
  )
  await rig.clock.run(1000)
  expect(commits).toEqual([
    ['task_start a', 'order a'],
    ['task_complete a', 'task_start b', 'order b'],
    ['task_complete b', 'task_start c', 'order c'],
    ['task_complete c'],
  ])
  expect((await outputsOf(coordinator))['b']).toEqual({ taskId: 'b', args: { from: 'a' } })
})

test('while the commit is in flight, the state and its readers have nothing of it', async () => {
  const made = await createRig()
  let release = (): void => {}
  let arrived = (): void => {}
  const isInFlight = new Promise<void>(resolve => (arrived = resolve))
  made.onCommit = async outlined => {
    if (!outlined.includes('task_complete a')) return
    arrived()
    await new Promise<void>(resolve => (release = resolve))
  }
  const coordinator = await made.start(workflow('a', task('b', ['a'])))
  const running = made.rig.clock.run(100)
  await isInFlight
  await running
  const { log } = coordinator.loop
  expect([log.state.tasks.get('a')?.status, log.state.tasks.get('b')?.status]).toEqual(['running', 'pending'])
  expect(log.state.counts.successCount).toBe(0)
  const seen = (await made.rig.events()).map(({ type }) => type)
  expect(seen).not.toContain('task_complete')
  expect(log.head).toBe(seen.length)
  release()
  await made.rig.clock.run(1000)
  expect((await coordinator.loop.result).status).toBe('success')
})

test('a cancellation while the commit is in flight ends the task that it starts', async () => {
  const hang = ({ signal }: ToolContext): Promise<never> =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('Stopped'))))
  const made = await createRig((args, context) => (context.taskId === 'b' ? hang(context) : echo(args, context)))
  made.onCommit = async outlined => {
    if (outlined.includes('order b')) coordinator.loop.cancel({ code: 'CANCELLED', message: 'Enough' })
  }
  const coordinator = await made.start(workflow('a', task('b', ['a']), task('c', ['b'])))
  await made.rig.clock.run(1000)
  expect((await coordinator.loop.result).status).toBe('cancelled')
  const ends = (await made.rig.events()).flatMap(({ type, data }) => (type === 'task_complete' ? [data] : []))
  expect(ends.map(({ taskId, status }) => `${taskId} ${status}`)).toEqual(['a success', 'c cancelled', 'b cancelled'])
})

test('a commit that fails is taken over with nothing called again, and each end is recorded once', async () => {
  const calls: string[] = []
  const made = await createRig((args, context) => {
    calls.push(context.taskId)
    return echo(args, context)
  })
  let isBroken = false
  made.onCommit = async outlined => {
    if (outlined.includes('task_complete a') && !isBroken) {
      isBroken = true
      throw Object.assign(new Error('Gone'), { code: 'STORE_FAILED' })
    }
  }
  const first = await made.start(workflow('a', task('b', ['a'])))
  await made.rig.clock.run(100)
  await expect(first.loop.ended).rejects.toThrow('could not be recorded')
  expect(await made.rig.outline('task_start', 'task_complete')).toEqual(['task_start a'])
  const second = await made.rig.takeOver()
  await made.rig.clock.run(1000)
  expect((await second?.loop.result)?.status).toBe('success')
  expect(calls).toEqual(['a', 'b'])
  expect(await made.rig.outline('task_start', 'task_complete')).toEqual([
    'task_start a',
    'task_complete a',
    'task_start b',
    'task_complete b',
  ])
})

test.each(['continue', 'fail-fast'] as const)(
  'a failure is in the log before what follows from it, and so is a success that comes with it, under %s',
  async onTaskError => {
    const made = await createRig(
      (args, context) => {
        if (context.taskId === 'bad') throw new Error('No')
        return echo(args, context)
      },
      { schedule: 'dataflow', onTaskError },
    )
    const coordinator = await made.start(workflow('good', 'bad', task('next', ['good']), task('after', ['bad'])))
    await made.rig.clock.run(1000)
    await coordinator.loop.result
    expect(made.commits[1]).toEqual(['task_complete good', 'task_complete bad'])
    expect(made.commits.flat().includes('order next')).toBe(onTaskError === 'continue')
  },
)

test('an early start waits from the end of its last dependency, or for its slot', async () => {
  const made = await createRig(
    async (args, context) => {
      if (context.taskId !== 'a') await new Promise<void>(resolve => made.rig.clock.after(100, resolve))
      return echo(args, context)
    },
    { maxConcurrency: 1 },
  )
  await made.start(workflow('a', task('b', ['a']), task('c', ['a'])))
  await made.rig.clock.run(3000)
  expect(made.commits).toContainEqual(['task_complete a', 'task_start b', 'order b'])
  const waits = (await made.rig.events()).flatMap(({ type, data }) => (type === 'task_complete' ? [data.waitMs] : []))
  expect(waits).toEqual([0, 0, 100])
})

test('a refused answer and a refused patch change nothing', async () => {
  const { rig, commits, start } = await createRig()
  const { loop } = await start(workflow('a', task('b', ['a'])))
  await expect(loop.answer('a.1', 1)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' })
  await expect((await loop.openPlan())?.patch({ add: [], replace: [], remove: ['none'] })).rejects.toThrow()
  await rig.clock.run(1000)
  expect(commits).toContainEqual(['task_complete a', 'task_start b', 'order b'])
})

test('tasks that join are in the log before what follows from them, and take one commit a step then', async () => {
  const gate = new ControlledTool()
  const { rig, commits, start } = await createRig(gate.execute)
  const { loop } = await start(workflow('a', task('b', ['a'])))
  const call = await gate.nextCall('a')
  const added = { id: 'joined', tool: 'work', arguments: { from: '$OUTPUT[b]' }, dependsOn: ['b'] }
  const patched = (await loop.openPlan())?.patch({ add: [added], replace: [], remove: [] })
  await rig.clock.run(10)
  await patched
  call.succeed(1)
  ;(await gate.nextCall('b')).succeed(2)
  const joined = await gate.nextCall('joined')
  expect(joined.args).toEqual({ from: 2 })
  joined.succeed(3)
  await rig.clock.run(1000)
  expect(commits).toContainEqual(['task_complete b', 'task_start joined', 'order joined'])
  expect((await loop.result).status).toBe('success')
})

test('in a document with conditions or rules, a success is in the log before what follows from it', async () => {
  const { rig, commits, start } = await createRig()
  const coordinator = await start(
    workflow('a', task('next', ['a']), { ...task('rescue', ['a']), runOn: 'failure' as const }),
  )
  await rig.clock.run(1000)
  expect(commits[1]).toEqual(['task_complete a'])
  expect(commits.flat()).toContain('order next')
  expect((await coordinator.loop.result).status).toBe('success')
})

test.each([
  ['a small output waits for the orders that refer to it', 30_000, ['task_complete a', 'task_start b', 'order b']],
  ['a large output does not', 400_000, ['task_complete a']],
])('the commit of %s', async (_, length, expected) => {
  const { rig, commits, start } = await createRig((args, { taskId }) =>
    taskId === 'a' ? 'x'.repeat(length) : (args as { text: string }).text.length,
  )
  const coordinator = await start(workflow('a', { ...task('b', ['a']), arguments: { text: '$OUTPUT[a]' } }))
  await rig.clock.run(1000)
  expect(commits[1]).toEqual(expected)
  expect((await outputsOf(coordinator))['b']).toBe(length)
})

test('an end of a paused execution starts nothing', async () => {
  const gate = new ControlledTool()
  const { rig, commits, start } = await createRig(gate.execute)
  const { loop } = await start(workflow('a', task('b', ['a'])))
  const call = await gate.nextCall('a')
  const release = loop.pause()
  call.succeed(1)
  await rig.clock.run(1000)
  expect(commits.slice(1)).toEqual([['task_complete a']])
  release()
  ;(await gate.nextCall('b')).succeed(2)
  await rig.clock.run(1000)
  expect((await loop.result).status).toBe('success')
})
