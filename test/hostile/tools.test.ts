// oxlint-disable unicorn/no-thenable -- thenables are what is tested
import { expect, test } from 'vitest'
import { StreamingExecutor } from '../../src/index.ts'
import { run, trap, type Work } from './tool-rig.ts'

test.each<[string, Work, object]>([
  [
    'a thenable that calls both',
    () => ({ then: (ok: (v: number) => void, bad: () => void) => (ok(1), bad()) }),
    { output: 1 },
  ],
  [
    'a thenable that fails, then succeeds',
    () => ({ then: (ok: (v: number) => void, bad: (e: Error) => void) => (bad(new Error('x')), ok(1)) }),
    { error: 'x' },
  ],
  [
    'a promise whose own then calls twice',
    () => Object.assign(Promise.resolve(0), { then: (ok: (v: number) => void) => (ok(1), ok(2)) }),
    { output: 1 },
  ],
  [
    'a promise whose own then throws',
    () =>
      Object.assign(Promise.resolve(0), {
        then: () => {
          throw new Error('then')
        },
      }),
    { error: 'then' },
  ],
  [
    'a promise whose own then calls, then throws',
    () =>
      Object.assign(Promise.resolve(0), {
        then: (ok: (v: number) => void) => {
          ok(1)
          throw new Error('then')
        },
      }),
    { output: 1 },
  ],
  [
    'a thenable of a thenable',
    () => ({ then: (ok: (v: unknown) => void) => ok({ then: (yes: (v: number) => void) => yes(2) }) }),
    { output: 2 },
  ],
  [
    'a promise without a constructor',
    () => Object.assign(Promise.resolve(3), { constructor: undefined }),
    { output: 3 },
  ],
  ['a revoked proxy', () => revokedProxy(), { status: 'error', code: 'TOOL_ERROR' }],
  [
    'a promise of a revoked proxy',
    async () => ({ inside: revokedProxy() }),
    { status: 'error', code: 'OUTPUT_NOT_SERIALIZABLE' },
  ],
  [
    'an error with a trap for a message',
    () => {
      throw trap('message')
    },
    { status: 'error', code: 'TOOL_ERROR' },
  ],
  [
    'an error with a trap for a code',
    () => {
      throw trap('code')
    },
    { status: 'error', code: 'TOOL_ERROR' },
  ],
  [
    'an error with a trap for `retryable`',
    () => {
      throw trap('retryable')
    },
    { status: 'error', code: 'TOOL_ERROR' },
  ],
  [
    'a revoked proxy as an error',
    () => {
      throw revokedProxy()
    },
    { status: 'error', code: 'TOOL_ERROR' },
  ],
  [
    'an error of 10 MB',
    () => {
      throw new Error('x'.repeat(1e7))
    },
    { error: 'x'.repeat(8192) },
  ],
  [
    'an error that is text and control characters',
    () => {
      throw new Error('\0\r\ndata: forged\n\n\u2028\ud800')
    },
    { error: '\0\r\ndata: forged\n\n\u2028\ufffd' },
  ],
  [
    'its own arguments, changed',
    args => {
      args['x'] = 1
      Object.setPrototypeOf(args, null)
      return args
    },
    { output: { x: 1 } },
  ],
  ['its own context', (_, context) => context, { status: 'success' }],
])('a tool that gives %s ends its own task, and that alone', async (_, work, expected) => {
  expect((await run(work)).task).toMatchObject(expected)
})

function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

test('a thenable that never calls is ended by its timeout, by itself', async () => {
  const tasks = [
    { id: 'a', tool: 'never', timeoutMs: 5 },
    { id: 'b', tool: 'fine' },
  ]
  const tools = { never: () => ({ then() {} }), fine: () => 1 }
  const { results } = await new StreamingExecutor(tools, { abortGraceMs: 5 }).execute({ tasks })
  expect(results.map(({ code, status, abandoned }) => [status, code, abandoned])).toEqual([
    ['error', 'TASK_TIMEOUT', true],
    ['success', undefined, undefined],
  ])
})

test('each attempt has arguments of its own, however the one before has spoilt its', async () => {
  const seen: string[] = []
  const work: Work = (args, { attempt }) => {
    seen.push(JSON.stringify(args))
    ;(args['list'] as number[]).push(9)
    ;(args['from'] as { n: number[] }).n.push(9)
    args['more'] = 1
    if (attempt < 3) throw new Error('again')
    return args
  }
  const retry = { maxAttempts: 3, initialDelayMs: 0 }
  const { results } = await new StreamingExecutor({ work, give: () => ({ n: [1] }) }).execute({
    tasks: [
      { id: 'a', tool: 'give' },
      { id: 'b', tool: 'work', retry, arguments: { list: [1], from: '$OUTPUT[a]' } },
      { id: 'c', tool: 'work', retry, arguments: { list: [2], from: '$OUTPUT[a]' } },
    ],
  })
  expect(seen.toSorted()).toEqual([
    ...new Array<string>(3).fill('{"list":[1],"from":{"n":[1]}}'),
    ...new Array<string>(3).fill('{"list":[2],"from":{"n":[1]}}'),
  ])
  expect(results[0]?.output).toEqual({ n: [1] })
})
