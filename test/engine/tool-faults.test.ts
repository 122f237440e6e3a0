// oxlint-disable unicorn/no-thenable -- thenables are what is tested
import { expect, test } from 'vitest'
import { readToolError } from '../../src/attempt/tool-error.ts'
import { ParallelExecutor, type TaskResult } from '../../src/index.ts'
import { endings } from '../support/outline.ts'
import { rig } from '../support/rig.ts'
import { fan, workflow } from '../support/workflows.ts'

/** How a task ends whose tool does `execute`, and that its neighbour is not harmed. */
async function running(execute: () => unknown): Promise<TaskResult | undefined> {
  const { execution, clock } = rig(workflow('a', { id: 'neighbour', tool: 'fine' }), {
    tools: { work: { execute }, fine: { execute: () => 1 } },
  })
  await clock.run(0)
  const { results } = await execution.result
  expect(results[1]).toMatchObject({ status: 'success', output: 1 })
  return results[0]
}

const throwing = (thrown: unknown) => (): never => {
  throw thrown
}

test.each<[string, unknown, string]>([
  ['an error', new TypeError('not a function'), 'not a function'],
  ['an error without a message', new TypeError(), 'TypeError'],
  ['a string', 'just text', 'just text'],
  ['an empty string', '', 'The tool threw an empty string'],
  ['nothing', undefined, 'The tool threw undefined'],
  ['null', null, 'The tool threw null'],
  ['a number', 42, 'The tool threw 42'],
  ['a symbol', Symbol('s'), 'The tool threw Symbol(s)'],
  ['a function, whose source is not told', () => 'secret', 'The tool threw a function'],
  ['an object with a message', { message: 'plain' }, 'plain'],
  ['an object without one', { a: 1 }, 'The tool failed'],
  ['an object whose message is none', { message: 5 }, 'The tool failed'],
])('a tool that throws %s fails its own task alone', async (_, thrown, error) => {
  const expected = { status: 'error', code: 'TOOL_ERROR', error, attempts: 1 }
  expect(await running(throwing(thrown))).toMatchObject(expected)
  expect(await running(async () => throwing(thrown)())).toMatchObject(expected)
})

test('an unreadable thrown value fails only its own task', async () => {
  const hostile = [
    new Proxy({}, { get: throwing(new Error('trap')) }),
    {
      get message(): never {
        throw new Error('getter')
      },
    },
    Proxy.revocable({}, {}),
  ]
  hostile[2] = (hostile[2] as { proxy: object; revoke(): void }).proxy
  for (const thrown of hostile) {
    expect(await running(throwing(thrown))).toMatchObject({ status: 'error', code: 'TOOL_ERROR', attempts: 1 })
  }
})

test('the string code of an error is kept, cut at 200 characters, and nothing else about it is reported', async () => {
  const error = Object.assign(new Error('quota', { cause: new Error('secret cause') }), {
    code: 'QUOTA_EXCEEDED',
    apiKey: 'secret key',
    stack: 'secret stack',
  })
  const { execution, events } = rig(workflow('a'), { tools: { work: { execute: throwing(error) } } })
  const result = await execution.result
  expect(result.errors).toEqual([{ taskId: 'a', error: 'quota', code: 'QUOTA_EXCEEDED', status: 'error' }])
  expect(JSON.stringify([result, events])).not.toContain('secret')
  expect(readToolError({ message: 'm', code: 'two words' }).code).toBe('two words')
  expect(readToolError({ message: 'm', code: 17 }).code).toBe('TOOL_ERROR')
  expect(readToolError({ message: 'm', code: '' }).code).toBe('TOOL_ERROR')
  expect(readToolError({ message: 'm', code: 'x'.repeat(201) }).code).toBe('x'.repeat(200))
})

test('a message longer than 8 KiB is cut', async () => {
  const result = await running(throwing(new Error('ü'.repeat(10_000))))
  expect(result?.error).toBe('ü'.repeat(4096))
})

test.each<[string, () => unknown, object]>([
  ['gives a value', () => ({ then: (resolve: (value: unknown) => void) => resolve(7) }), { output: 7 }],
  [
    'gives two values',
    () => ({
      then(resolve: (value: unknown) => void) {
        resolve(1)
        resolve(2)
      },
    }),
    { output: 1 },
  ],
  [
    'gives a value and throws',
    () => ({
      then(resolve: (value: unknown) => void) {
        resolve(1)
        throw new Error('x')
      },
    }),
    { output: 1 },
  ],
  [
    'throws',
    () => ({
      then() {
        throw new Error('bad then')
      },
    }),
    { error: 'bad then' },
  ],
  [
    'rejects with nothing',
    () => ({ then: (_: unknown, reject: () => void) => reject() }),
    { error: 'The tool threw undefined' },
  ],
  [
    'cannot be read',
    () => ({
      get then(): never {
        throw new Error('no then')
      },
    }),
    { error: 'no then' },
  ],
  ['has a then that is no function', () => ({ then: 5 }), { output: { then: 5 } }],
])('a thenable that %s settles its task once', async (_, execute, expected) => {
  expect(await running(execute)).toMatchObject(expected)
})

test('a tool that never returns is ended by its timeout and its grace, and nothing else waits for it', async () => {
  const { execution, clock, tool } = rig(workflow('a', { id: 'b', tool: 'fine' }), {
    tools: { work: { timeoutMs: 10, execute: () => new Promise(() => {}) }, fine: { execute: () => 1 } },
  })
  await tool.idle()
  await clock.run(2010)
  const result = await execution.result
  expect(endings(result)).toEqual(['a error TASK_TIMEOUT', 'b success'])
  expect(result.results[0]?.abandoned).toBe(true)
})

test('a tool that throws synchronously leaves no timer behind', async () => {
  const { execution, clock } = rig(fan(10), { tools: { work: { execute: throwing(new Error('no')) } } })
  expect((await execution.result).errorCount).toBe(10)
  expect(clock.timerCount).toBe(0)
})

test('a tool may cancel its own execution while it is called', async () => {
  const controller = new AbortController()
  const executor = new ParallelExecutor({
    work: (_, { taskId }) => {
      if (taskId === 't1') controller.abort()
      return taskId
    },
  })
  const result = await executor.execute(fan(3), { signal: controller.signal })
  expect(result.successCount + result.cancelledCount).toBe(3)
  expect(result.status).toBe('cancelled')
})

test('a tool that is a method keeps its this', async () => {
  class Counter {
    readonly name = 'work'
    #count = 0
    execute(): number {
      this.#count += 1
      return this.#count
    }
  }
  const result = await new ParallelExecutor([new Counter()]).execute(fan(2))
  expect(result.results.map(each => each.output)).toEqual([1, 2])
})
