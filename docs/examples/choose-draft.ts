// Drafts are written in parallel, a person chooses one, and the rest of the workflow uses it.
import assert from 'node:assert/strict'
import { defineTool, StreamingExecutor, type ToolContext } from 'dagstream'

const write = defineTool<{ tone: string }>({
  name: 'write',
  execute: ({ tone }) => `A ${tone} letter`,
})
const choose = defineTool<{ drafts: readonly string[] }>({
  name: 'choose',
  // Meanwhile the task holds no slot, and its time limit stands still.
  execute: ({ drafts }, { ask }: ToolContext) => ask({ message: 'Which draft?', schema: { enum: drafts } }),
})
const send = defineTool<{ text: string }>({ name: 'send', execute: ({ text }) => `Sent: ${text}` })

const execution = new StreamingExecutor([write, choose, send]).stream({
  tasks: [
    { id: 'drafts', tool: 'write', forEach: ['short', 'friendly', 'formal'], arguments: { tone: '$ITEM' } },
    { id: 'chosen', tool: 'choose', arguments: { drafts: '$OUTPUT[drafts]' } },
    { id: 'sent', tool: 'send', arguments: { text: '$OUTPUT[chosen]' } },
  ],
})
for await (const { type, data } of execution) {
  if (type !== 'input_required') continue
  const drafts = data.responseSchema?.['enum']
  assert.deepEqual(drafts, ['A short letter', 'A friendly letter', 'A formal letter'])
  // The first answer counts.
  await execution.answer(data.inputId, 'A friendly letter')
  await assert.rejects(execution.answer(data.inputId, 'A formal letter'), { code: 'INPUT_CLOSED' })
}
const { results } = await execution.result
assert.equal(results.at(-1)?.output, 'Sent: A friendly letter')
