// Two tools share one limit: at most two calls of either at once, in all executions together.
import assert from 'node:assert/strict'
import { createLimit, defineTool, ParallelExecutor } from 'dagstream'

const limit = createLimit(2)
let running = 0
let peak = 0

async function call(): Promise<void> {
  running += 1
  peak = Math.max(peak, running)
  await new Promise(resolve => setImmediate(resolve))
  running -= 1
}
const read = defineTool({ name: 'database:read', readOnly: true, limit, execute: call })
const write = defineTool({ name: 'database:write', limit, execute: call })

const executor = new ParallelExecutor([read, write])
const workflow = {
  tasks: Array.from({ length: 10 }, (_, i) => ({ id: `${i}`, tool: i % 2 ? 'database:read' : 'database:write' })),
}
const results = await Promise.all([executor.execute(workflow), executor.execute(workflow)])

assert.deepEqual(
  results.map(({ successCount }) => successCount),
  [10, 10],
)
assert.equal(peak, 2)
