// Events into a sink that is slow: the buffer fills, no new task starts, nothing is lost.
import assert from 'node:assert/strict'
import { type SSEEvent, StreamingExecutor } from 'dagstream'

const warnings: string[] = []
const executor = new StreamingExecutor(
  { echo: args => args },
  { maxConcurrency: 1, logger: { debug() {}, warn: message => void warnings.push(message) } },
)
const workflow = {
  tasks: Array.from({ length: 20 }, (_, i) => ({ id: `task-${i}`, tool: 'echo', arguments: { i } })),
}

const types: string[] = []
const sink = new WritableStream<SSEEvent>({
  async write(event) {
    // A slow reader: it needs a turn of the event loop for each event.
    await new Promise(resolve => setImmediate(resolve))
    types.push(event.type)
  },
})

const result = await executor.executeWithStreaming(workflow, sink, { buffer: { maxEvents: 8 } })
assert.equal(result.delivery, 'complete')
assert.equal(result.successCount, 20)
assert.equal(types.length, 1 + 20 * 2 + 1)
assert.equal(types.at(-1), 'execution_complete')
assert.ok(warnings[0]?.startsWith('A reader has reached its bound'))

// A sink whose reader leaves does not touch the execution, unless `onSinkClosed` says so.
const leaving = new WritableStream<SSEEvent>({
  start: controller => controller.error(undefined),
})
const alone = await executor.executeWithStreaming(workflow, leaving)
assert.equal(alone.delivery, 'cancelled')
assert.equal(alone.status, 'success')
