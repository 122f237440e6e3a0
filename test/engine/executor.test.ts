import { expect, test } from 'vitest'
import { compileWorkflow, defineTool, ParallelExecutor, StreamingExecutor, ToolRegistry } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { endings } from '../support/outline.ts'
import { chain, diamond, fan, task, workflow } from '../support/workflows.ts'

test('tools come as an array, an object of tools and functions, or a registry', async () => {
  const double = defineTool<{ n: number }, number>({ name: 'double', execute: ({ n }) => n * 2 })
  const document = { tasks: [{ id: 'a', tool: 'double', arguments: { n: 4 } }] }
  const sources = [[double], { double }, { double: ({ n }: { n: number }) => n * 2 }, new ToolRegistry([double])]
  for (const source of sources) {
    const { results } = await new ParallelExecutor(source).execute(document)
    expect(results[0]?.output).toBe(8)
  }
})

test('a plan runs twice at once: the two executions know nothing of each other', async () => {
  const tool = new ControlledTool()
  const ids = ['one', 'two']
  const executor = new StreamingExecutor({ work: tool.execute }, { createId: () => ids.shift() as string })
  const plan = compileWorkflow(diamond('a', ['b', 'c'], 'd'), { work: tool.execute })
  const one = executor.stream(plan)
  const two = executor.stream(plan, { schedule: 'dataflow' })
  const [a1, a2] = await tool.nextCalls('a', 'a')
  expect([a1.context.executionId, a2.context.executionId]).toEqual(['one', 'two'])
  a1.fail()
  a2.succeed()
  expect(endings(await one.result)).toEqual([
    'a error TOOL_ERROR',
    'b skipped by a',
    'c skipped by a',
    'd skipped by a',
  ])
  for (const call of await tool.nextCalls('b', 'c')) call.succeed()
  const d = await tool.nextCall('d')
  d.succeed()
  expect((await two.result).status).toBe('success')
  expect(tool.started).toEqual(['a', 'a', 'b', 'c', 'd'])
})

test('a plan runs again and again with the same outcome, under both schedules', async () => {
  const executor = new ParallelExecutor({ work: (_, { taskId }) => taskId })
  const plan = compileWorkflow(diamond('a', ['b', 'c'], 'd'), { work: (_, { taskId }) => taskId })
  const outputs = []
  for (const schedule of ['layers', 'dataflow', 'layers', 'dataflow'] as const) {
    const { results } = await executor.execute(plan, { schedule })
    outputs.push(results.map(({ output }) => output))
  }
  expect(outputs).toEqual(Array.from({ length: 4 }, () => ['a', 'b', 'c', 'd']))
})

test('changing the document after it was compiled, or while it runs, changes nothing', async () => {
  const document = {
    name: 'before',
    tasks: [
      { id: 'a', tool: 'work', arguments: { list: ['x'] } },
      { id: 'b', tool: 'work', dependsOn: ['a'], arguments: { inner: { v: '$OUTPUT[a]' } }, retry: { maxAttempts: 1 } },
    ],
  }
  const tool = new ControlledTool()
  const plan = compileWorkflow(document, { work: tool.execute })
  const execution = new StreamingExecutor({ work: tool.execute }).stream(plan)
  document.name = 'after'
  document.tasks[0]!.id = 'z'
  document.tasks[0]!.arguments.list?.push('y')
  document.tasks[1]!.dependsOn = []
  document.tasks[1]!.arguments.inner!.v = 'changed'
  document.tasks[1]!.retry!.maxAttempts = 5
  document.tasks.length = 1
  const a = await tool.nextCall('a')
  expect(a.args).toEqual({ list: ['x'] })
  a.succeed(1)
  const b = await tool.nextCall('b')
  expect(b.args).toEqual({ inner: { v: 1 } })
  b.fail()
  expect(endings(await execution.result)).toEqual(['a success', 'b error TOOL_ERROR'])
})

test('topologicalSort gives the layers, tasks as the document has them', () => {
  const document = workflow(task('d', ['b', 'c']), 'a', task('c', ['a']), task('b', ['a']))
  const [d, a, c, b] = document.tasks
  const layers = new ParallelExecutor({ work: () => 1 }).topologicalSort(document)
  expect(layers).toEqual([[a], [c, b], [d]])
  expect(layers[0]?.[0]).toBe(a)
  expect(() => new ParallelExecutor({ work: () => 1 }).topologicalSort(workflow(task('x', ['x'])))).toThrow(
    'SELF_DEPENDENCY',
  )
})

test('a stream starts at once, whether it is read or not', async () => {
  const tool = new ControlledTool()
  const execution = new StreamingExecutor({ work: tool.execute }).stream(fan(1))
  ;(await tool.nextCall('t0')).succeed('done')
  expect((await execution.result).results[0]?.output).toBe('done')
  const types: string[] = []
  for await (const { type } of execution) types.push(type)
  expect(types).toEqual(['execution_start', 'task_start', 'task_complete', 'execution_complete'])
})

test('ids that mean something to JavaScript are ids like any other', async () => {
  const ids = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '0', ' ', '🙂', 'a.b/c~d']
  const document = workflow(
    ...ids.map((id, index) =>
      task(id, index === 0 ? [] : [ids[index - 1] as string], {
        arguments: index === 0 ? {} : { before: `$OUTPUT[${ids[index - 1]}]` },
      }),
    ),
  )
  const { results } = await new ParallelExecutor({
    work: ({ before }, { taskId }) => `${before ?? ''}${taskId}`,
  }).execute(document)
  expect(results.at(-1)).toMatchObject({ status: 'success', output: ids.join('') })
})

test('a chain of 20,000 and a fan of 20,000 run to their ends', async () => {
  const executor = new ParallelExecutor({ work: () => 1 })
  for (const document of [chain(20_000), fan(20_000)]) {
    for (const schedule of ['layers', 'dataflow'] as const) {
      const { status, successCount } = await executor.execute(document, { schedule })
      expect([status, successCount]).toEqual(['success', 20_000])
    }
  }
})
