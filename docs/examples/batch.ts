// One call, one result: a diamond of four tasks.
import assert from 'node:assert/strict'
import { type DAGStructure, ParallelExecutor } from 'dagstream'

const executor = new ParallelExecutor({
  double: ({ value }) => value * 2,
  add: ({ left, right }) => left + right,
})

const workflow: DAGStructure = {
  name: 'diamond',
  tasks: [
    { id: 'start', tool: 'double', arguments: { value: 1 } },
    { id: 'left', tool: 'double', arguments: { value: '$OUTPUT[start]' } },
    { id: 'right', tool: 'double', arguments: { value: '$OUTPUT[start]' } },
    { id: 'end', tool: 'add', arguments: { left: '$OUTPUT[left]', right: '$OUTPUT[right]' } },
  ],
}

const layers = executor.topologicalSort(workflow).map(tasks => tasks.map(({ id }) => id))
assert.deepEqual(layers, [['start'], ['left', 'right'], ['end']])

const result = await executor.execute(workflow)
assert.equal(result.status, 'success')
assert.equal(result.parallelizationLayers, 3)
assert.deepEqual(
  result.results.map(({ taskId, output }) => [taskId, output]),
  [
    ['start', 2],
    ['left', 4],
    ['right', 4],
    ['end', 8],
  ],
)
