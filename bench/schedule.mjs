import { compileWorkflow, StreamingExecutor } from './library.mjs'
import { createShape, toNoopWorkflow } from './shapes.mjs'

const noop = async () => {}
const sleep = ({ ms }) => (ms === 0 ? undefined : new Promise(resolve => setTimeout(resolve, ms)))
const executor = new StreamingExecutor({ noop, sleep })

/**
 * Runs a workload in real time, each task a timer of its duration.
 *
 * @param {{ tasks: readonly import('./shapes.mjs').WorkloadTask[], contender: 'sequential' | 'layers' | 'dataflow',
 *   slots: number | null }} options `null` for unlimited slots: JSON has no infinity
 */
export async function measureSchedule({ tasks, contender, slots }) {
  if (contender === 'sequential') return { wallMs: await runSequentially(tasks) }
  await run(compileWorkflow(toNoopWorkflow(createShape('layered', 200, 1)), { noop }), {})
  const workflow = {
    tasks: tasks.map(({ id, durationMs, dependsOn }) => ({
      id,
      tool: 'sleep',
      arguments: { ms: durationMs },
      estimatedMs: durationMs,
      dependsOn,
    })),
  }
  const plan = compileWorkflow(workflow, { sleep })
  return { wallMs: await run(plan, { schedule: contender, maxConcurrency: slots ?? Number.POSITIVE_INFINITY }) }
}

/** @returns wall time to the result with every event consumed, ms */
async function run(plan, options) {
  const startedAt = performance.now()
  const execution = executor.stream(plan, options)
  let last
  for await (const event of execution) last = event
  const { status } = await execution.result
  if (status !== 'success' || last?.type !== 'execution_complete')
    throw new Error(`Expected success, got \`${status}\``)
  return performance.now() - startedAt
}

/** The simplest loop: one task after another. Their order does not matter to timers. */
async function runSequentially(tasks) {
  const startedAt = performance.now()
  for (const { durationMs } of tasks) await sleep({ ms: durationMs })
  return performance.now() - startedAt
}
