// A bound on what an execution may spend, and an account of what it did spend.
import assert from 'node:assert/strict'
import { defineTool, StreamingExecutor } from 'dagstream'

const model = defineTool({
  name: 'model',
  execute: async (_, { emitToken, reportUsage }) => {
    emitToken('An answer')
    reportUsage({ totalTokensIn: 400, totalTokensOut: 100, totalCost: 0.01 })
    // The answer itself comes a turn later.
    await new Promise(resolve => setImmediate(resolve))
    return 'An answer'
  },
})
const executor = new StreamingExecutor([model], { maxTokens: 1200 })
const execution = executor.stream({
  tasks: [
    { id: 'one', tool: 'model' },
    { id: 'two', tool: 'model', dependsOn: ['one'] },
    { id: 'three', tool: 'model', dependsOn: ['two'] },
    { id: 'four', tool: 'model', dependsOn: ['three'] },
  ],
})

const spent: number[] = []
for await (const event of execution) {
  if (event.type === 'token_usage') spent.push(event.data.executionTokenUsage.totalTokensIn)
}
const result = await execution.result

// The third call passes the bound while it runs: it is cancelled, and what it used counts.
assert.deepEqual(
  result.results.map(({ status }) => status),
  ['success', 'success', 'cancelled', 'cancelled'],
)
assert.deepEqual(result.reason, { code: 'BUDGET_EXCEEDED', message: '1500 tokens are more than `maxTokens`, 1200' })
assert.deepEqual(spent, [400, 800, 1200])
assert.deepEqual(result.tokenUsage, { totalTokensIn: 1200, totalTokensOut: 300, totalCost: 0.03 })
