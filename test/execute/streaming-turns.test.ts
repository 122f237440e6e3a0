// Instant tasks must not starve sockets and timers, so the turns of the event loop are watched: by the time that this process
// computes in each, since what the machine gives to others meanwhile says nothing about the engine.
import { expect, test } from 'vitest'
import { compileWorkflow, type DAGStructure, type ExecutionPlan, StreamingExecutor } from '../../src/index.ts'
import { chain, fan } from '../support/workflows.ts'

const TASKS = 20_000

/** What a turn may compute at most, ms. The engine's own share is about 10; the rest is for the collector and the observer. */
const MAX_GAP_MS = 50

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
    test(`with ${TASKS} instant tasks ${shape}, ${way}, the event loop goes on turning`, async () => {
      const plan = compileWorkflow(workflow, tools)
      // The best of three: a pause of the collector's is not the engine's.
      let best = { gapMs: Number.POSITIVE_INFINITY, turnCount: 0 }
      for (let attempt = 0; attempt < 3; attempt++) {
        const measured = await measureGap(() => run(plan))
        if (measured.gapMs < best.gapMs) best = measured
      }
      console.log(`longest turn, ${shape}, ${way}: ${best.gapMs.toFixed(1)} ms in ${best.turnCount} turns`)
      expect(best.gapMs).toBeLessThan(MAX_GAP_MS)
    })
  }
}
