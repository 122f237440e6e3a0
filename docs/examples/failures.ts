// Retry, timeout and cancellation: three ways to fail, compared.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { defineTool, StreamingExecutor } from 'dagstream'

const flaky = defineTool({
  name: 'flaky',
  retry: { maxAttempts: 3, initialDelayMs: 1 },
  execute: (_, { attempt }) => {
    if (attempt < 3) throw Object.assign(new Error('the other side is busy'), { code: 'BUSY', retryAfterMs: 5 })
    return `succeeded in attempt ${attempt}`
  },
})
const slow = defineTool({
  name: 'slow',
  execute: (_, { signal }) => sleep(60_000, 'never', { signal }),
})
const executor = new StreamingExecutor([flaky, slow], { abortGraceMs: 100 })

const failing = await executor.execute({
  tasks: [
    { id: 'retried', tool: 'flaky' },
    { id: 'late', tool: 'slow', timeoutMs: 20 },
    { id: 'after-late', tool: 'flaky', dependsOn: ['late'] },
  ],
})
assert.equal(failing.status, 'partial')
assert.deepEqual(
  failing.results.map(({ taskId, status, code, causedBy, attempts }) => [taskId, status, code, causedBy, attempts]),
  [
    ['retried', 'success', undefined, undefined, 3],
    ['late', 'error', 'TASK_TIMEOUT', undefined, 1],
    ['after-late', 'skipped', 'DEPENDENCY_FAILED', 'late', 0],
  ],
)

// Cancelling reaches the tool through its signal; the execution ends, and says why.
const execution = executor.stream({ tasks: [{ id: 'slow', tool: 'slow' }] })
for await (const event of execution) if (event.type === 'task_start') execution.cancel('Changed my mind')
const cancelled = await execution.result
assert.equal(cancelled.status, 'cancelled')
assert.deepEqual(cancelled.reason, { code: 'CANCELLED', message: 'Changed my mind' })
assert.equal(cancelled.results[0]?.code, 'CANCELLED')
