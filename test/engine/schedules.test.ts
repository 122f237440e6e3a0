import { expect, test } from 'vitest'
import { endings, outline } from '../support/outline.ts'
import { rig } from '../support/rig.ts'
import { chain, diamond, task, workflow } from '../support/workflows.ts'

test('b and c start together once a has succeeded', async () => {
  const { tool, execution } = rig(diamond('a', ['b', 'c'], 'd'))
  const a = await tool.nextCall('a')
  await tool.idle()
  expect(tool.started).toEqual(['a'])
  a.succeed(1)
  const [b, c] = await tool.nextCalls('b', 'c')
  expect(tool.started).toEqual(['a', 'b', 'c'])
  b.succeed(2)
  c.fail(new Error('no'))
  expect(await execution.result).toMatchObject({ status: 'partial', successCount: 2, errorCount: 1, skippedCount: 1 })
})

test('an execution of layers waits for the whole layer before the next one starts', async () => {
  const { tool, execution } = rig(workflow('a', 'b', task('c', ['a']), task('d', ['b'])))
  const [a, b] = await tool.nextCalls('a', 'b')
  a.succeed()
  await tool.idle()
  expect(tool.started).toEqual(['a', 'b'])
  b.succeed()
  const [c, d] = await tool.nextCalls('c', 'd')
  d.succeed()
  c.succeed()
  expect(endings(await execution.result)).toEqual(['a success', 'b success', 'c success', 'd success'])
})

test('a failure in a layer does not hold the next one back', async () => {
  const { tool, execution } = rig(workflow('a', 'b', task('c', ['a']), task('d', ['b'])))
  const [a, b] = await tool.nextCalls('a', 'b')
  a.fail()
  b.succeed()
  const d = await tool.nextCall('d')
  d.succeed()
  expect(endings(await execution.result)).toEqual(['a error TOOL_ERROR', 'b success', 'c skipped by a', 'd success'])
})

test('an execution of dataflow starts a task as soon as its own dependencies have succeeded', async () => {
  const { tool, execution } = rig(workflow('a', 'b', task('c', ['a']), task('d', ['b', 'c'])), { schedule: 'dataflow' })
  const [a, b] = await tool.nextCalls('a', 'b')
  a.succeed()
  const c = await tool.nextCall('c')
  expect(tool.started).toEqual(['a', 'b', 'c'])
  c.succeed()
  await tool.idle()
  expect(tool.started).toEqual(['a', 'b', 'c'])
  b.succeed()
  const d = await tool.nextCall('d')
  d.succeed()
  expect((await execution.result).status).toBe('success')
})

test('dataflow prefers the largest sum of estimates that remains, and takes ties in document order', async () => {
  const document = workflow(
    task('short', [], { estimatedMs: 5 }),
    task('tie', [], { estimatedMs: 5 }),
    task('root', [], { estimatedMs: 1 }),
    task('long', ['root'], { estimatedMs: 9 }),
    task('unsaid'),
  )
  const { tool, execution } = rig(document, { schedule: 'dataflow', maxConcurrency: 1 })
  for (const id of ['root', 'long', 'short', 'tie', 'unsaid']) (await tool.nextCall(id)).succeed()
  await execution.result
  expect(tool.started).toEqual(['root', 'long', 'short', 'tie', 'unsaid'])
})

test('layers ignores estimates: within a layer the document order counts', async () => {
  const document = workflow('a', task('b', [], { estimatedMs: 100 }), task('d', ['a']), task('c', ['b']))
  const { tool, execution } = rig(document, { maxConcurrency: 1 })
  for (const id of ['a', 'b', 'd', 'c']) (await tool.nextCall(id)).succeed()
  await execution.result
  expect(tool.started).toEqual(['a', 'b', 'd', 'c'])
})

test('events report layers, starts and ends in the order in which they happen', async () => {
  const { tool, execution, events } = rig({ name: 'brief', ...diamond('a', ['b', 'c'], 'd') })
  for (const id of ['a', 'c', 'b', 'd']) (await tool.nextCall(id)).succeed()
  await execution.result
  expect(outline(events)).toEqual([
    'execution_start',
    'task_start a',
    'task_complete a success',
    'task_start b',
    'task_start c',
    'task_complete c success',
    'task_complete b success',
    'task_start d',
    'task_complete d success',
    'execution_complete success',
  ])
  expect(events[0]).toEqual({
    type: 'execution_start',
    id: 'x.1',
    data: {
      executionId: 'x',
      timestamp: '2026-01-01T00:00:00.000Z',
      totalTasks: 4,
      layers: [['a'], ['b', 'c'], ['d']],
      schedule: 'layers',
      name: 'brief',
    },
  })
  expect(events.map(event => event.id)).toEqual(events.map((_, index) => `x.${index + 1}`))
})

test('a chain runs one task after another under either schedule', async () => {
  for (const schedule of ['layers', 'dataflow'] as const) {
    const { tool, execution } = rig(chain(5), { schedule })
    for (let index = 0; index < 5; index++) (await tool.nextCall(`t${index}`)).succeed()
    const result = await execution.result
    expect([result.parallelizationLayers, tool.peakCount, result.status]).toEqual([5, 1, 'success'])
  }
})

test('a dependency listed, repeated, spelled the other way and referred to is one dependency', async () => {
  const { tool, execution } = rig(
    workflow('a', 'b', {
      id: 'c',
      tool: 'work',
      depends_on: ['a', 'a', 'b'],
      arguments: { one: '$OUTPUT[a]', two: '$OUTPUT[a].x' },
    }),
  )
  const [a, b] = await tool.nextCalls('a', 'b')
  b.succeed()
  await tool.idle()
  expect(tool.started).toEqual(['a', 'b'])
  a.succeed({ x: 1 })
  const c = await tool.nextCall('c')
  expect(c.args).toEqual({ one: { x: 1 }, two: 1 })
  c.succeed()
  expect((await execution.result).status).toBe('success')
})
