// A person corrects what a program has read; an answer that does not fit is refused, and the question stays open.
import assert from 'node:assert/strict'
import { type DagstreamError, humanAskTool, StreamingExecutor } from 'dagstream'

const executor = new StreamingExecutor({
  'human:ask': humanAskTool,
  read: () => ({ name: 'Ada', born: 1185 }),
  save: ({ person }) => person,
})
const execution = executor.stream({
  tasks: [
    { id: 'read', tool: 'read' },
    {
      id: 'corrected',
      tool: 'human:ask',
      arguments: {
        message: 'Is this right?',
        schema: {
          type: 'object',
          properties: {
            name: { type: 'string', default: '$OUTPUT[read].name' },
            born: { type: 'integer', minimum: 1800, default: '$OUTPUT[read].born' },
          },
          required: ['name', 'born'],
          additionalProperties: false,
        },
      },
    },
    { id: 'save', tool: 'save', arguments: { person: '$OUTPUT[corrected]' } },
  ],
})
const refused: unknown[] = []
for await (const { type, data } of execution) {
  if (type !== 'input_required') continue
  for (const born of [1185, 1815]) {
    try {
      await execution.answer(data.inputId, { name: 'Ada', born })
    } catch (error) {
      refused.push((error as DagstreamError).details['issues'])
    }
  }
}
// The issues do not repeat the value.
assert.deepEqual(refused, [[{ pointer: '/born', message: 'The number is less than 1800' }]])
const { results } = await execution.result
assert.deepEqual(results.at(-1)?.output, { name: 'Ada', born: 1815 })
