// Instant tasks must not starve sockets and timers: the event loop's turns are counted while they run. How long each took is
// printed and not asserted, since a machine under load may stretch any of them; it only ever adds turns.
import { expect, test } from 'vitest'
import { compileWorkflow, type DAGStructure, type ExecutionPlan, StreamingExecutor } from '../../src/index.ts'
import { chain, fan } from '../support/workflows.ts'

const TASKS = 20_000

/** Instant tasks of this number take some 50 ms, of which a turn gets about 8: that all of them ran in fewer turns is no accident. */
const MIN_TURNS = 4

/** The most that is computed between two turns while `run` runs, ms. */
async function measureGap(run: () => Promise<unknown>): Promise<{ gapMs: number; turnCount: number }> {
  let gapMs = 0
  let turnCount = 0
  let last = readCpuMs()
  let isOver = false
  const turn = (): void => {
    const now = readCpuMs()
    gapMs = Math.max(gapMs, now - last)
    last = now
    turnCount += 1
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  await run()
  isOver = true
  turn()
  return { gapMs, turnCount }
}

function readCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

const tools = { work: () => 1 }
const executor = new StreamingExecutor(tools)

const WAYS: readonly (readonly [string, (plan: ExecutionPlan) => Promise<unknown>])[] = [
  ['unread', plan => executor.execute(plan)],
  [
    'read by an iterator',
    async plan => {
      let count = 0
      for await (const _ of executor.stream(plan)) count += 1
      expect(count).toBe(2 * TASKS + 2)
    },
  ],
  ['written into a sink', plan => executor.executeWithStreaming(plan, new WritableStream())],
]

const SHAPES: readonly (readonly [string, DAGStructure])[] = [
  ['side by side', fan(TASKS)],
  ['one after another', chain(TASKS)],
]

for (const [shape, workflow] of SHAPES) {
  for (const [way, run] of WAYS) {
    test(`with ${TASKS} instant tasks ${shape}, ${way}, the event loop keeps turning`, async () => {
      const plan = compileWorkflow(workflow, tools)
      const { gapMs, turnCount } = await measureGap(() => run(plan))
      console.log(`longest turn, ${shape}, ${way}: ${gapMs.toFixed(1)} ms in ${turnCount} turns`)
      expect(turnCount).toBeGreaterThanOrEqual(MIN_TURNS)
    })
  }
}

test('tasks that start together and take long at once begin in several turns', async () => {
  const turnsOfCalls: number[] = []
  let turn = 0
  let isOver = false
  const count = (): void => {
    turn += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  const slow = (): number => {
    const until = performance.now() + 10
    while (performance.now() < until);
    return turnsOfCalls.push(turn)
  }
  const tasks = Array.from({ length: 8 }, (_, i) => ({ id: `t${i}`, tool: 'slow' }))
  const { status, results } = await new StreamingExecutor({ slow }).execute({ tasks })
  isOver = true
  expect(status).toBe('success')
  // In their order, none beside another: a call spends more than a turn may.
  expect(results.map(({ output }) => output)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  expect(new Set(turnsOfCalls).size).toBe(8)
})

test('a task that waits for its turn when the execution is cancelled is not called', async () => {
  const controller = new AbortController()
  let calls = 0
  const slow = (): void => {
    calls += 1
    const until = performance.now() + 10
    while (performance.now() < until);
    controller.abort()
  }
  const tasks = Array.from({ length: 8 }, (_, i) => ({ id: `t${i}`, tool: 'slow' }))
  const result = await new StreamingExecutor({ slow }).execute({ tasks }, { signal: controller.signal })
  expect(result.status).toBe('cancelled')
  expect(result.cancelledCount + result.successCount).toBe(8)
  expect(calls).toBe(1)
})
