// Runs a workflow that fails, and forks it: what succeeded is not called again.
import assert from 'node:assert/strict'
import { createMemoryStore, StreamingExecutor } from 'dagstream'

const called: string[] = []
let isBroken = true
const tools = {
  fetch: (args: Record<string, unknown>, { taskId }: { taskId: string }) => {
    called.push(taskId)
    return { page: args['page'] }
  },
  summarize: (args: Record<string, unknown>, { taskId }: { taskId: string }) => {
    called.push(taskId)
    if (isBroken) throw new Error('The model is not there')
    return `${JSON.stringify(args['pages'])} in short`
  },
}
const executor = new StreamingExecutor(tools, { store: createMemoryStore() })
const first = await executor.execute({
  tasks: [
    { id: 'each', tool: 'fetch', forEach: [1, 2], arguments: { page: '$ITEM' } },
    { id: 'summary', tool: 'summarize', arguments: { pages: '$OUTPUT[each]' } },
  ],
})
assert.equal(first.status, 'partial')

isBroken = false
called.length = 0
const fork = await executor.fork(first.executionId)
const { status, results } = await fork.result
assert.equal(status, 'success')
assert.deepEqual(called, ['summary'])
assert.deepEqual(results[0]?.items?.[0]?.reusedFrom, { executionId: first.executionId, taskId: 'each[0]' })
console.log(results[1]?.output)
