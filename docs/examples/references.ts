// The forms of references: values with their type, text, the input, and text that is not a reference.
import assert from 'node:assert/strict'
import { DagstreamError, ParallelExecutor } from 'dagstream'

const executor = new ParallelExecutor({ echo: args => args })
const source = { people: [{ name: 'Ada', age: 36 }], 'odd key': null }
const tasks = [
  { id: 'source', tool: 'echo', arguments: { value: '$INPUT' } },
  {
    id: 'reader',
    tool: 'echo',
    arguments: {
      whole: '$OUTPUT[source].value.people[0]',
      typed: '$OUTPUT[source].value.people.0.age',
      text: 'Dear ${OUTPUT[source].value.people[0].name}, you are $INPUT.people[0].age.',
      odd: '$OUTPUT[source].value["odd key"]',
      escaped: '$$OUTPUT[source] and $5',
    },
  },
]

const { results } = await executor.execute({ tasks }, { input: source })
assert.deepEqual(results[1]?.output, {
  whole: { name: 'Ada', age: 36 },
  typed: 36,
  text: 'Dear Ada, you are 36.',
  odd: null,
  escaped: '$OUTPUT[source] and $5',
})

// An output's path is looked up when the task starts; what is missing fails that task alone.
const late = await executor.execute(
  { tasks: [...tasks, { id: 'late', tool: 'echo', arguments: { x: '$OUTPUT[source].vlaue' } }] },
  { input: source },
)
assert.equal(late.errors[0]?.code, 'REFERENCE_NOT_FOUND')
assert.equal(late.errors[0]?.error, '`$OUTPUT[source].vlaue` has no `vlaue`: there are `value`')

// The input is known beforehand: what it lacks is reported before anything starts.
await assert.rejects(executor.execute({ tasks }, { input: {} }), (error: unknown) => {
  assert.ok(error instanceof DagstreamError)
  assert.equal(error.code, 'INVALID_WORKFLOW')
  assert.equal(error.details['issueCount'], 1)
  return true
})
