// Documents that look wrong and are not, and some that are very large.
import { expect, test } from 'vitest'
import { type DAGStructure, StreamingExecutor, validateWorkflow } from '../../src/index.ts'
import { IS_LONG } from '../support/long-form.ts'
import { counts } from '../support/outline.ts'

const tools = {
  work: (args: unknown): unknown => args,
  typed: { inputSchema: { type: 'object' }, execute: () => 1 },
  fail: (): never => {
    throw new Error('no')
  },
}
const executor = new StreamingExecutor(tools)

/** Tasks of a very large document: `npm run test:long` takes more. */
const SIZE = IS_LONG ? 100_000 : 20_000

test('ids may be any text: they come back as they were, in results, references and events', async () => {
  const ids = [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '👩‍👩‍👧',
    '\u202eevil\u202c',
    'שלום',
    // The same to the eye, and two texts.
    '\u00e9',
    'e\u0301',
    '\u2028',
    ' ',
    '...',
    '/~0',
    '"\\',
    '$INPUT',
    '<script>',
    '👍'.repeat(200),
    'x'.repeat(200),
  ]
  const workflow: DAGStructure = {
    tasks: ids.map((id, at) => ({
      id,
      tool: 'work',
      arguments: at === 0 ? { at } : { at, before: `$OUTPUT[${ids[at - 1]}].at` },
    })),
  }
  const execution = executor.stream(workflow)
  const told: unknown[] = []
  for await (const event of execution) if (event.type === 'task_complete') told.push(event.data.taskId)
  const { results } = await execution.result
  expect(results.map(({ taskId, output }) => [taskId, output])).toEqual(
    ids.map((id, at) => [id, at === 0 ? { at } : { at, before: at - 1 }]),
  )
  expect(told).toEqual(ids)
})

test('keys such as `__proto__` are data', async () => {
  const document = JSON.parse(
    '{"tasks":[{"id":"a","tool":"work","arguments":{"__proto__":{"polluted":1},"constructor":{"prototype":2}}},' +
      '{"id":"b","tool":"work","arguments":{"x":"$OUTPUT[a].__proto__.polluted","y":"$OUTPUT[a].constructor.prototype"}},' +
      '{"id":"c","tool":"work","arguments":{"x":"$OUTPUT[b].__proto__"}},' +
      '{"id":"d","tool":"work","arguments":{"x":"$OUTPUT[b].toString"}}]}',
  ) as DAGStructure
  const { results } = await executor.execute(document)
  expect(results.map(({ output, code }) => JSON.stringify(output) ?? code)).toEqual([
    '{"__proto__":{"polluted":1},"constructor":{"prototype":2}}',
    '{"x":1,"y":2}',
    'REFERENCE_NOT_FOUND',
    'REFERENCE_NOT_FOUND',
  ])
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
})

test('a frozen document runs, and changing a document that runs changes nothing', async () => {
  const workflow = { tasks: [{ id: 'a', tool: 'work', arguments: { list: [1] }, dependsOn: [] as string[] }] }
  const frozen = Object.freeze({ tasks: Object.freeze(workflow.tasks.map(each => Object.freeze({ ...each }))) })
  expect((await executor.execute(frozen)).results[0]?.output).toEqual({ list: [1] })
  const running = executor.execute(workflow)
  workflow.tasks[0]?.arguments.list.push(2)
  workflow.tasks.pop()
  expect((await running).results.map(({ output }) => output)).toEqual([{ list: [1] }])
})

test('a task whose dependency is named a million times depends on it once', async () => {
  const result = await executor.execute({
    tasks: [
      { id: 'a', tool: 'work' },
      { id: 'b', tool: 'work', dependsOn: new Array<string>(1e6).fill('a') },
    ],
  })
  expect([result.successCount, result.parallelizationLayers]).toEqual([2, 2])
})

test.each(['layers', 'dataflow'] as const)(
  `${SIZE} tasks run under %s, wide, in a chain and joined`,
  async schedule => {
    const size = SIZE
    const ids = Array.from({ length: size }, (_, index) => `t${index}`)
    const wide = ids.map(id => ({ id, tool: 'typed' }))
    const chain = ids.map((id, index) => ({ id, tool: 'typed', dependsOn: ids.slice(Math.max(0, index - 1), index) }))
    const joined = wide.with(size - 1, { id: `t${size - 1}`, tool: 'typed', dependsOn: ids.slice(0, -1) } as never)
    const broken = chain.with(0, { id: 't0', tool: 'fail', dependsOn: [] })
    const all = { totalTasks: size, successCount: size, errorCount: 0, skippedCount: 0, cancelledCount: 0 }
    const ended: unknown[] = []
    for (const tasks of [wide, chain, joined, broken]) {
      const result = await executor.execute({ tasks }, { schedule, maxConcurrency: 1e9 })
      ended.push([counts(result), result.parallelizationLayers])
    }
    expect(ended).toEqual([
      [all, 1],
      [all, size],
      [all, 2],
      [{ ...all, successCount: 0, errorCount: 1, skippedCount: size - 1 }, size],
    ])
  },
)

test(`the faults of ${SIZE} tasks are reported as a hundred issues and their number`, () => {
  const size = SIZE
  const ring = Array.from({ length: size }, (_, i) => ({
    id: `t${i}`,
    tool: 'work',
    dependsOn: [`t${(i + 1) % size}`],
  }))
  const pairs = Array.from({ length: size }, (_, i) => ({ id: `t${i}`, tool: 'work', dependsOn: [`t${i ^ 1}`] }))
  const cyclic = validateWorkflow({ tasks: ring }, tools)
  expect([cyclic.issueCount, cyclic.issues[0]?.code, cyclic.issues[0]?.path?.length]).toEqual([1, 'CYCLE', size + 1])
  expect(cyclic.issues[0]?.message.length).toBeLessThan(300)
  const paired = validateWorkflow({ tasks: pairs }, tools)
  expect([paired.issueCount, paired.issues.length]).toEqual([size / 2, 100])
})
