// oxlint-disable unicorn/consistent-function-scoping -- a helper stands in the one test that needs it
import { expect, test } from 'vitest'
import { LIMITS, type TaskResult } from '../../src/index.ts'
import { endings } from '../support/outline.ts'
import { rig } from '../support/rig.ts'
import { task, workflow } from '../support/workflows.ts'

/** How a task ends whose tool returns `value`, synchronously and by a promise. */
async function returning(makeValue: () => unknown): Promise<[TaskResult, TaskResult]> {
  const { execution } = rig(workflow('sync', { id: 'later', tool: 'later' }), {
    tools: { work: { execute: makeValue }, later: { execute: async () => makeValue() } },
  })
  const { results } = await execution.result
  return results as [TaskResult, TaskResult]
}

const circular = (): unknown => {
  const value: Record<string, unknown> = {}
  value['self'] = { value }
  return value
}

test.each<[string, () => unknown, unknown]>([
  ['undefined is null', () => undefined, null],
  ['null is null', () => null, null],
  ['NaN is null', () => Number.NaN, null],
  ['infinity is null', () => Number.NEGATIVE_INFINITY, null],
  ['NaN inside is null', () => ({ a: [Number.NaN] }), { a: [null] }],
  ['negative zero is zero', () => -0, 0],
  ['undefined inside an object is absent', () => ({ a: undefined, b: 1 }), { b: 1 }],
  ['undefined inside an array is null', () => [undefined], [null]],
  ['a date is its text', () => new Date(0), '1970-01-01T00:00:00.000Z'],
  ['toJSON is honoured', () => ({ toJSON: () => ({ b: 2 }) }), { b: 2 }],
  ['toJSON of nothing is null', () => ({ toJSON: () => undefined }), null],
  ['an empty string is itself', () => '', ''],
  ['false is itself', () => false, false],
  ['a map has no members that JSON sees', () => new Map([[1, 2]]), {}],
  ['an own __proto__ stays a key', () => JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
  ['a lone surrogate stays what JSON can say', () => '\ud800', '\ud800'],
])('as an output %s', async (_, makeValue, output) => {
  const [sync, later] = await returning(makeValue)
  expect([sync.status, later.status]).toEqual(['success', 'success'])
  expect(JSON.stringify([sync.output, later.output])).toBe(JSON.stringify([output, output]))
})

test.each<[string, () => unknown]>([
  ['a BigInt', () => 1n],
  ['a BigInt inside', () => ({ a: [1n] })],
  ['a cycle', circular],
  ['a function', () => () => 1],
  ['a function inside', () => ({ a: { b: () => 1 } })],
  ['a symbol', () => Symbol('s')],
  ['a symbol inside', () => [Symbol('s')]],
  [
    'a getter that throws',
    () => ({
      get a(): never {
        throw new Error('no')
      },
    }),
  ],
  [
    'a toJSON that throws',
    () => ({
      toJSON() {
        throw new Error('no')
      },
    }),
  ],
  [
    'a proxy that throws',
    () =>
      new Proxy(
        {},
        {
          ownKeys() {
            throw new Error('no')
          },
        },
      ),
  ],
  [
    'a revoked proxy',
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {})
      revoke()
      return { proxy }
    },
  ],
  [
    'a nesting that no stack can hold',
    () => {
      let value: unknown = []
      for (let i = 0; i < 200_000; i++) value = [value]
      return value
    },
  ],
])('%s is not an output: OUTPUT_NOT_SERIALIZABLE', async (_, makeValue) => {
  const [sync, later] = await returning(makeValue)
  const expected = { status: 'error', code: 'OUTPUT_NOT_SERIALIZABLE', attempts: 1 }
  expect(sync).toMatchObject(expected)
  expect(later).toMatchObject(expected)
})

test('an output whose getters change between two reads still ends its task', async () => {
  const fickle = (): unknown => {
    let reads = 0
    return {
      get a(): unknown {
        reads += 1
        if (reads > 1) throw new Error('not again')
        return { b: 1 }
      },
    }
  }
  const [sync, later] = await returning(fickle)
  expect([sync.taskId, later.taskId]).toEqual(['sync', 'later'])
  expect(['success', 'error']).toContain(later.status)
  expect(later.status).toBe(sync.status)
})

test('every reader of an output has a copy of its own', async () => {
  const original = { list: [1, 2], inner: { a: 1 } }
  const document = workflow(
    'a',
    { id: 'b', tool: 'work', arguments: { all: '$OUTPUT[a]', part: '$OUTPUT[a].inner', again: '$OUTPUT[a].inner' } },
    { id: 'c', tool: 'work', arguments: { all: '$OUTPUT[a]', part: '$OUTPUT[a].inner' } },
    { id: 'd', tool: 'work', dependsOn: ['b', 'c'], arguments: { all: '$OUTPUT[a]', text: 'is ${OUTPUT[a].list}' } },
  )
  const { tool, execution, events } = rig(document)
  ;(await tool.nextCall('a')).succeed(original)
  const [b, c] = await tool.nextCalls('b', 'c')
  original.list.push(3)
  original.inner.a = 0
  const { all, part, again } = b.args as Record<string, { list: number[]; a: number }>
  all!.list.push(4)
  part!.a = 5
  expect(again).toEqual({ a: 1 })
  expect(c.args).toEqual({ all: { list: [1, 2], inner: { a: 1 } }, part: { a: 1 } })
  const told = events.find(event => event.type === 'task_complete')?.data as { output: { list: number[] } }
  told.output.list.push(6)
  b.succeed()
  c.succeed()
  const d = await tool.nextCall('d')
  expect(d.args).toEqual({ all: { list: [1, 2], inner: { a: 1 } }, text: 'is [1,2]' })
  d.succeed()
  const { results } = await execution.result
  expect(results[0]?.output).toEqual({ list: [1, 2], inner: { a: 1 } })
})

test('the text of a date, made JSON by its tool, can be referred to inside a text', async () => {
  const document = workflow('a', { id: 'b', tool: 'work', arguments: { text: 'at $OUTPUT[a]', value: '$OUTPUT[a]' } })
  const { tool, execution } = rig(document)
  ;(await tool.nextCall('a')).succeed(new Date(0))
  await tool.idle()
  expect(tool.started).toEqual(['a', 'b'])
  const b = await tool.nextCall('b')
  expect(b.args).toEqual({ text: 'at 1970-01-01T00:00:00.000Z', value: '1970-01-01T00:00:00.000Z' })
  b.succeed()
  await execution.result
})

test('an output larger than 10 MiB of JSON fails its task with OUTPUT_TOO_LARGE and is not retried', async () => {
  const { tool, execution } = rig(
    workflow('fits', task('large', [], { retry: { maxAttempts: 3 } }), 'wide', task('after', ['large'])),
  )
  const [fits, large, wide] = await tool.nextCalls('fits', 'large', 'wide')
  fits.succeed('x'.repeat(LIMITS.maxOutputBytes - 2))
  large.succeed('x'.repeat(LIMITS.maxOutputBytes - 1))
  wide.succeed('ü'.repeat(LIMITS.maxOutputBytes / 2))
  const result = await execution.result
  expect(endings(result)).toEqual([
    'fits success',
    'large error OUTPUT_TOO_LARGE',
    'wide error OUTPUT_TOO_LARGE',
    'after skipped by large',
  ])
  expect(result.results[1]).toMatchObject({
    attempts: 1,
    error: `Expected an output of at most 10485760 bytes of JSON, got 10485761 bytes`,
  })
})
