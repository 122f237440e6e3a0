// A tool whose argument types follow from its schema, and whose arguments are checked before anything runs.
import assert from 'node:assert/strict'
import { defineTool, ParallelExecutor, validateWorkflow } from 'dagstream'
import { z } from 'zod'

const repeat = defineTool({
  name: 'repeat',
  inputSchema: z.strictObject({ text: z.string(), times: z.number().int().min(1).default(2) }),
  // `text` is a string, `times` a number: no cast, no check.
  execute: ({ text, times }) => text.repeat(times),
})

const checked = validateWorkflow(
  {
    tasks: [
      { id: 'a', tool: 'repeat', arguments: { text: 'ab', times: 0 } },
      { id: 'b', tool: 'repeat', arguments: { texxt: 'ab' } },
      { id: 'c', tool: 'repeat', arguments: { text: '$OUTPUT[a]', times: 3 } },
    ],
  },
  [repeat],
)
assert.deepEqual(
  checked.issues.map(({ code, pointer }) => [code, pointer]),
  [
    ['INVALID_ARGUMENTS', '/tasks/0/arguments/times'],
    ['INVALID_ARGUMENTS', '/tasks/1/arguments'],
    ['INVALID_ARGUMENTS', '/tasks/1/arguments/texxt'],
  ],
)

// The schema's defaults and transforms are applied to what the tool gets.
const executor = new ParallelExecutor([repeat])
const { results } = await executor.execute(
  {
    tasks: [{ id: 'a', tool: 'repeat', arguments: { text: '$INPUT' } }],
  },
  { input: 'ab' },
)
assert.equal(results[0]?.output, 'abab')
