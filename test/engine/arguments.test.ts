import type { StandardSchemaV1 } from '@standard-schema/spec'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { type DagstreamError, ParallelExecutor } from '../../src/index.ts'
import { endings, outline } from '../support/outline.ts'
import { rig } from '../support/rig.ts'
import { task, workflow } from '../support/workflows.ts'

const referring = (reference: unknown, rest = {}): ReturnType<typeof task> =>
  task('b', [], { arguments: { value: reference }, ...rest })

async function inserted(output: unknown, reference: unknown): Promise<unknown> {
  const { tool, execution } = rig(workflow('a', referring(reference)))
  ;(await tool.nextCall('a')).succeed(output)
  const b = await tool.nextCall('b')
  b.succeed()
  await execution.result
  return b.args['value']
}

test.each<[unknown, unknown, unknown]>([
  [{ x: { y: [1, 2] } }, '$OUTPUT[a].x.y[1]', 2],
  [{ x: { y: [1, 2] } }, '$OUTPUT[a].x.y.0', 1],
  [{ x: null }, '$OUTPUT[a].x', null],
  ['text', '$OUTPUT[a]', 'text'],
  [{ x: [1, { b: 2 }] }, 'got ${OUTPUT[a].x}!', 'got [1,{"b":2}]!'],
  ['$OUTPUT[a] ${INPUT.secret}', 'never twice: $OUTPUT[a]', 'never twice: $OUTPUT[a] ${INPUT.secret}'],
  [1, { deep: ['$OUTPUT[a]', { more: '$OUTPUT[a]' }] }, { deep: [1, { more: 1 }] }],
  [JSON.parse('{"__proto__":{"x":5}}'), '$OUTPUT[a].__proto__.x', 5],
  ['x', '$$OUTPUT[a] and $OUTPUT[a]', '$OUTPUT[a] and x'],
])('of the output %j the reference %j inserts %j', async (output, reference, value) => {
  expect(await inserted(output, reference)).toEqual(value)
})

test.each<[unknown, string, string]>([
  [{ page: 1, body: 2 }, '$OUTPUT[a].text', '`$OUTPUT[a].text` has no `text`: there are `page`, `body`'],
  [[1, 2], '$OUTPUT[a][2]', '`$OUTPUT[a][2]` has no `2`: the array has the indices 0 to 1'],
  [
    { x: 'text' },
    '$OUTPUT[a].x.length',
    '`$OUTPUT[a].x.length` has no `length`: there is a string, which has no members',
  ],
  [null, '$OUTPUT[a].x', '`$OUTPUT[a].x` has no `x`: there is `null`, which has no members'],
  [{}, 'is ${OUTPUT[a].__proto__}', '`${OUTPUT[a].__proto__}` has no `__proto__`: the object is empty'],
  [{ x: 1 }, '$OUTPUT[a].constructor', '`$OUTPUT[a].constructor` has no `constructor`: there are `x`'],
])(
  'of the output %j the reference %j is not found, and the keys that exist are named',
  async (output, reference, error) => {
    const { tool, execution, events } = rig(
      workflow('a', referring(reference, { retry: { maxAttempts: 3 } }), task('c', ['b'])),
    )
    ;(await tool.nextCall('a')).succeed(output)
    const result = await execution.result
    expect(endings(result)).toEqual(['a success', 'b error REFERENCE_NOT_FOUND', 'c skipped by b'])
    expect(result.results[1]).toMatchObject({ error, attempts: 1 })
    expect(tool.started).toEqual(['a'])
    expect(outline(events)).not.toContain('task_retry b')
  },
)

test('a missing path of the input is reported before anything starts', async () => {
  let calls = 0
  const executor = new ParallelExecutor({ work: () => void (calls += 1) })
  const document = workflow('first', task('b', [], { arguments: { q: ['$INPUT.topic', '$INPUT.user.name'] } }))
  const failure = async (input: unknown): Promise<unknown> =>
    executor.execute(document, { input }).then(
      () => undefined,
      ({ code, details }: DagstreamError) => ({ code, ...details }),
    )
  expect(await failure({ topic: 'x', user: {} })).toEqual({
    code: 'INVALID_WORKFLOW',
    issueCount: 1,
    issues: [
      {
        code: 'UNKNOWN_REFERENCE',
        pointer: '/tasks/1/arguments/q/1',
        message: '`$INPUT.user.name` has no `name`: the object is empty',
      },
    ],
  })
  expect(await failure(undefined)).toMatchObject({ code: 'INVALID_WORKFLOW', issueCount: 2 })
  expect(calls).toBe(0)
  expect(await failure({ topic: 'x', user: { name: null } })).toBeUndefined()
  expect(calls).toBe(2)
})

test('the input is taken when the execution begins: changing it later changes nothing', async () => {
  const input = { list: [1] }
  const { tool, execution } = rig(workflow('a', task('b', ['a'], { arguments: { all: '$INPUT' } })), { input })
  input.list.push(2)
  ;(await tool.nextCall('a')).succeed()
  const b = await tool.nextCall('b')
  expect(b.args).toEqual({ all: { list: [1] } })
  b.succeed()
  await execution.result
})

test('an input that is not JSON is refused', async () => {
  const executor = new ParallelExecutor({ work: () => 1 })
  await expect(executor.execute(workflow('a'), { input: { n: 1n } })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
})

test('arguments of every attempt are fresh, also those without references', async () => {
  const document = workflow(task('a', [], { arguments: { list: [1] }, retry: { maxAttempts: 2 } }))
  const { tool, execution, clock } = rig(document)
  const first = await tool.nextCall('a')
  ;(first.args['list'] as number[]).push(2)
  first.fail()
  await clock.run(1000)
  const second = await tool.nextCall('a')
  expect(second.args).toEqual({ list: [1] })
  second.succeed()
  await execution.result
  expect(document.tasks[0]?.arguments).toEqual({ list: [1] })
})

test('resolved arguments are checked whole before each attempt, and wrong ones fail the task without a call', async () => {
  const inputSchema = {
    type: 'object',
    properties: { url: { type: 'string' }, count: { type: 'integer' } },
    required: ['url'],
    additionalProperties: false,
  }
  const document = workflow(
    { id: 'a', tool: 'any' },
    task('b', [], { arguments: { url: '$OUTPUT[a].url', count: '$OUTPUT[a].count' }, retry: { maxAttempts: 3 } }),
  )
  const { tool, execution } = rig(document, {
    tools: { work: { inputSchema }, any: { execute: () => ({ url: 'u', count: 'many' }) } },
  })
  const { results } = await execution.result
  expect(results[1]).toMatchObject({ status: 'error', code: 'INVALID_ARGUMENTS', attempts: 1, executionTimeMs: 0 })
  expect(results[1]?.error).toContain('`/count`')
  expect(tool.started).toEqual([])
})

test('a schema with defaults passes its converted arguments to the tool', async () => {
  const inputSchema = z.object({ n: z.coerce.number(), m: z.number().default(7) })
  const { tool, execution } = rig(workflow('x', task('a', ['x'], { arguments: { n: '5' } })), {
    tools: {
      work: { inputSchema: z.object({ n: z.coerce.number().default(1), m: z.number().default(7) }) },
    },
  })
  expect(inputSchema.parse({ n: '5' })).toEqual({ n: 5, m: 7 })
  ;(await tool.nextCall('x')).succeed()
  const a = await tool.nextCall('a')
  expect(a.args).toEqual({ n: 5, m: 7 })
  a.succeed()
  await execution.result
})

test('an asynchronous schema is waited for, outside the time of the task, and an abort does not wait for it', async () => {
  const releases: (() => void)[] = []
  const inputSchema: StandardSchemaV1<unknown, Record<string, unknown>> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: value =>
        new Promise(resolve => {
          const { ok } = value as { ok: boolean }
          releases.push(() => resolve(ok ? { value: { checked: ok } } : { issues: [{ message: 'Not ok' }] }))
        }),
    },
  }
  const document = workflow(
    task('good', [], { arguments: { ok: true }, timeoutMs: 10 }),
    task('bad', [], { arguments: { ok: false } }),
    task('never', [], { arguments: { ok: true } }),
  )
  const { tool, execution, clock } = rig(document, { tools: { work: { inputSchema } } })
  await clock.run(1000)
  expect(tool.started).toEqual([])
  // The check of the document asked too, once a task.
  for (const release of releases.slice(3, 5)) release()
  const good = await tool.nextCall('good')
  expect(good.args).toEqual({ checked: true })
  good.succeed()
  await tool.idle()
  execution.cancel()
  const result = await execution.result
  expect(endings(result)).toEqual(['good success', 'bad error INVALID_ARGUMENTS', 'never cancelled'])
  releases.at(-1)?.()
  await tool.idle()
  expect(tool.started).toEqual(['good'])
})
