import { StreamingExecutor } from './library.mjs'
import { createShape, toNoopWorkflow } from './shapes.mjs'

const RUNS = 5

/**
 * How long a document holds the event loop, ms: in the call of `.stream()`, and in the longest piece of work from then to
 * its first event. The least of some runs each: what a loaded machine adds is not the library's.
 *
 * @param {{ shape: string, taskCount: number, seed: number }} workload
 */
export async function measureTurns({ shape, taskCount, seed }) {
  const executor = new StreamingExecutor({ noop: async () => {} })
  const workflow = toNoopWorkflow(createShape(shape, taskCount, seed))
  const calls = []
  const pieces = []
  for (let run = 0; run < RUNS; run++) {
    const startedAt = performance.now()
    const execution = executor.stream(workflow)
    calls.push(performance.now() - startedAt)
    const watch = watchTurns()
    const events = execution[Symbol.asyncIterator]()
    await events.next()
    pieces.push(watch.stop())
    await events.return()
    await execution.result
  }
  return { callMs: Math.min(...calls), pieceMs: Math.min(...pieces) }
}

/** Watches the event loop. `stop` gives the longest time between two of its turns, ms. */
function watchTurns() {
  let longestMs = 0
  let last = performance.now()
  const look = () => {
    const now = performance.now()
    longestMs = Math.max(longestMs, now - last)
    last = now
  }
  const turn = () => {
    look()
    timer = setImmediate(turn)
  }
  let timer = setImmediate(turn)
  return {
    stop() {
      clearImmediate(timer)
      look()
      return longestMs
    },
  }
}
