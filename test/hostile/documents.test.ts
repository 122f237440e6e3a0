import { expect, test } from 'vitest'
import {
  compileWorkflow,
  type DAGStructure,
  DagstreamError,
  handleWorkflowRequest,
  StreamingExecutor,
  validateWorkflow,
  type WorkflowIssue,
} from '../../src/index.ts'

let calls = 0
const tools = {
  work: (args: unknown): unknown => {
    calls += 1
    return args
  },
}
const executor = new StreamingExecutor(tools)

/** The first issue, and how many there are, of a document that no way in may run. */
async function refusal(make: () => unknown): Promise<[string, number]> {
  const before = calls
  const error = (await executor.execute(make() as DAGStructure).catch((thrown: unknown) => thrown)) as DagstreamError
  expect([error instanceof DagstreamError, error.code]).toEqual([true, 'INVALID_WORKFLOW'])
  expect(() => executor.stream(make() as DAGStructure)).toThrow(expect.objectContaining({ code: 'INVALID_WORKFLOW' }))
  expect(() => compileWorkflow(make() as DAGStructure, tools)).toThrow(DagstreamError)
  const validated = validateWorkflow(make(), tools)
  expect([validated.valid, validated.issues, validated.issueCount]).toEqual([
    false,
    error.details['issues'],
    error.details['issueCount'],
  ])
  const response = await handleWorkflowRequest(new Request('http://localhost'), make() as DAGStructure, { tools })
  expect([response.status, await response.json()]).toMatchObject([422, JSON.parse(JSON.stringify(error.details))])
  expect(calls).toBe(before)
  const [first] = error.details['issues'] as readonly WorkflowIssue[]
  return [`${first?.code} ${first?.pointer}`, error.details['issueCount'] as number]
}

const task = (rest: object): object => ({ tasks: [{ id: 'a', tool: 'work', ...rest }] })
const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
const throwing = (key: string, rest: object = {}): object =>
  Object.defineProperty({ ...rest }, key, {
    enumerable: true,
    get() {
      throw new Error('trap')
    },
  })
const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

test.each<[string, () => unknown, string, number]>([
  ['nothing', () => undefined, 'INVALID_SHAPE ', 1],
  ['null', () => null, 'INVALID_SHAPE ', 1],
  ['a number', () => 5, 'INVALID_SHAPE ', 1],
  ['JSON text', () => '{"tasks":[]}', 'INVALID_SHAPE ', 1],
  ['a function', () => () => 1, 'INVALID_SHAPE ', 1],
  ['a symbol', () => Symbol('s'), 'INVALID_SHAPE ', 1],
  ['a BigInt', () => 1n, 'INVALID_SHAPE ', 1],
  ['an array', () => [], 'INVALID_SHAPE ', 1],
  ['a revoked proxy', revoked, 'INVALID_SHAPE ', 1],
  [
    'a proxy that will not tell its prototype',
    () =>
      new Proxy(
        {},
        {
          getPrototypeOf() {
            throw new Error('trap')
          },
        },
      ),
    'INVALID_SHAPE ',
    1,
  ],
  [
    'what claims to be a plan',
    () => Object.create(Object.getPrototypeOf(compileWorkflow({ tasks: [] }, {})) as object),
    'INVALID_SHAPE ',
    1,
  ],
  ['a getter that throws', () => throwing('tasks'), 'INVALID_SHAPE /tasks', 1],
  ['a task whose getter throws', () => ({ tasks: [throwing('tool', { id: 'a' })] }), 'INVALID_SHAPE /tasks/0/tool', 1],
  ['a million brackets for tasks', () => ({ tasks: nested(1e6) }), 'INVALID_SHAPE /tasks/0', 1],
  [
    'a million brackets as an argument',
    () => task({ arguments: { x: nested(1e6) } }),
    `LIMIT_EXCEEDED /tasks/0/arguments/x${'/0'.repeat(60)}`,
    1,
  ],
  ['a cycle of objects', () => task({ arguments: circular() }), 'INVALID_SHAPE /tasks/0/arguments/self', 1],
  ['a NaN timeout', () => task({ timeoutMs: Number.NaN }), 'INVALID_SHAPE /tasks/0/timeoutMs', 1],
  ['an endless timeout', () => task({ timeoutMs: Infinity }), 'INVALID_SHAPE /tasks/0/timeoutMs', 1],
  ['a negative timeout', () => task({ timeoutMs: -1 }), 'INVALID_SHAPE /tasks/0/timeoutMs', 1],
  ['text for a number', () => task({ timeoutMs: '5', estimatedMs: '1' }), 'INVALID_SHAPE /tasks/0/timeoutMs', 2],
  ['a number for an id', () => ({ tasks: [{ id: 1, tool: 'work' }] }), 'INVALID_SHAPE /tasks/0/id', 1],
  [
    'retry without end',
    () => task({ retry: { maxAttempts: Infinity } }),
    'INVALID_SHAPE /tasks/0/retry/maxAttempts',
    1,
  ],
  ['text for an argument list', () => task({ arguments: 'x' }), 'INVALID_SHAPE /tasks/0/arguments', 1],
  ['an id of 201 characters', () => task({ id: '👍'.repeat(201) }), 'INVALID_SHAPE /tasks/0/id', 1],
  ['half a character as an id', () => task({ id: '\ud800' }), 'INVALID_SHAPE /tasks/0/id', 1],
  ['a control character in an id', () => task({ id: 'a\n' }), 'INVALID_SHAPE /tasks/0/id', 1],
  ['strings of 10 MB', () => ({ name: long, tasks: [{ id: long, tool: long, [long]: 1 }] }), 'INVALID_SHAPE /name', 4],
  [
    'one dependency, unknown, a million times',
    () => task({ dependsOn: many('b') }),
    'UNKNOWN_DEPENDENCY /tasks/0/dependsOn/0',
    1e6,
  ],
  ['itself, a million times', () => task({ dependsOn: many('a') }), 'SELF_DEPENDENCY /tasks/0/dependsOn/0', 1e6],
  [
    'a million openings',
    () => task({ arguments: { x: '$OUTPUT['.repeat(1e6) } }),
    'INVALID_REFERENCE /tasks/0/arguments/x',
    1,
  ],
  [
    'one task 50,000 times',
    () => ({ tasks: Array(5e4).fill({ id: 'a', tool: 'work' }) }),
    'DUPLICATE_TASK_ID /tasks/1/id',
    49_999,
  ],
  ['a tool that is a member of objects', () => task({ tool: 'constructor' }), 'UNKNOWN_TOOL /tasks/0/tool', 1],
  [
    'an input that is not there',
    () => task({ arguments: { x: '$INPUT.__proto__' } }),
    'UNKNOWN_REFERENCE /tasks/0/arguments/x',
    1,
  ],
])('%s is refused by every way in, with the same issues, and nothing starts', async (_, make, first, count) => {
  // A missing input is told by executions only: a plan may yet be given one.
  if (first.startsWith('UNKNOWN_REFERENCE')) {
    const error = await executor.execute(make() as DAGStructure, { input: {} }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'INVALID_WORKFLOW', details: { issueCount: count } })
  } else expect(await refusal(make)).toEqual([first, count])
})

const long = 'x'.repeat(10_000_000)

function many(id: string): string[] {
  return new Array<string>(1e6).fill(id)
}

function circular(): object {
  const value: Record<string, unknown> = {}
  value['self'] = value
  return value
}
