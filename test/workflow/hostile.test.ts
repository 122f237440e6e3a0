import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ToolRegistry } from '../../src/tools/registry.ts'
import { checkDocument } from '../../src/workflow/check-document.ts'
import { IssueList } from '../../src/workflow/issues.ts'

const tools = new ToolRegistry({ noop: () => null, typed: { inputSchema: { type: 'object' }, execute: () => null } })

function check(document: unknown): string[] {
  const list = new IssueList()
  checkDocument(document, tools, list)
  return list.issues.map(({ code, pointer }) => `${code} ${pointer}`)
}

const withArguments = (value: unknown): unknown => ({ tasks: [{ id: 'a', tool: 'typed', arguments: { x: value } }] })

function nest(depth: number, inner: unknown): unknown {
  let value = inner
  for (let i = 0; i < depth; i++) value = [value]
  return value
}

const thrower = (): never => {
  throw new Error('no')
}

test('a getter that throws is a fault of shape at its place', () => {
  const getter = (key: string, rest: object = {}): object =>
    Object.defineProperty({ ...rest }, key, { enumerable: true, get: thrower })
  expect(check(getter('tasks'))).toEqual(['INVALID_SHAPE /tasks'])
  expect(check({ tasks: [getter('id', { tool: 'noop' }), { id: 'b', tool: 'nope' }] })).toEqual([
    'INVALID_SHAPE /tasks/0/id',
    'UNKNOWN_TOOL /tasks/1/tool',
  ])
  expect(check(withArguments([1, getter('y')]))).toEqual(['INVALID_SHAPE /tasks/0/arguments/x/1/y'])
  const revoked = Proxy.revocable({}, {})
  revoked.revoke()
  expect(check(revoked.proxy)).toEqual(['INVALID_SHAPE '])
  expect(check({ tasks: revoked.proxy })).toEqual(['INVALID_SHAPE /tasks'])
  expect(check({ tasks: [revoked.proxy] })).toEqual(['INVALID_SHAPE /tasks/0'])
  expect(check(withArguments(revoked.proxy))).toEqual(['INVALID_SHAPE /tasks/0/arguments/x'])
  expect(check(new Proxy({}, { ownKeys: thrower }))).toEqual(['INVALID_SHAPE '])
})

test('each member is read once, so an accessor cannot change its answer', () => {
  let reads = 0
  const task = {
    tool: 'noop',
    get id() {
      reads += 1
      return `id${reads}`
    },
  }
  const { nodes } = checkDocument({ tasks: [task] }, tools, new IssueList())
  expect(nodes[0]?.id).toBe('id1')
  expect(reads).toBe(1)
})

test('a value that is not JSON is refused at its place', () => {
  const values = [
    () => {},
    1n,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Symbol('x'),
    new Date(0),
    new Map(),
    /x/,
    new Uint8Array(1),
  ]
  for (const value of values) expect(check(withArguments(value))).toEqual(['INVALID_SHAPE /tasks/0/arguments/x'])
  expect(check(withArguments([1, undefined]))).toEqual(['INVALID_SHAPE /tasks/0/arguments/x/1'])
  expect(check(withArguments({ y: undefined, [Symbol('z')]: 1 }))).toEqual([])
  expect(check(withArguments(Object.create(null)))).toEqual([])
})

test('sparse arrays are refused at the first hole, at once', () => {
  const sparse: unknown[] = []
  sparse.length = 2 ** 32 - 1
  expect(check(withArguments(sparse))).toEqual(['INVALID_SHAPE /tasks/0/arguments/x/0'])
  expect(check({ tasks: [{ id: 'a', tool: 'noop', dependsOn: sparse }] })).toEqual([
    'INVALID_SHAPE /tasks/0/dependsOn/0',
  ])
  expect(check({ tasks: sparse })).toEqual(['LIMIT_EXCEEDED /tasks'])
})

test('nesting is bounded at 64 levels, reported where it is exceeded', () => {
  // The document, `tasks`, the task and its arguments are four levels.
  expect(check(withArguments(nest(60, 1)))).toEqual([])
  expect(check(withArguments(nest(61, 1)))).toEqual([`LIMIT_EXCEEDED /tasks/0/arguments/x${'/0'.repeat(60)}`])
  expect(check(withArguments(nest(1_000_000, 1)))).toHaveLength(1)
})

test('cycles end, and objects that unfold without end are bounded', () => {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = [cycle, cycle]
  expect(check(withArguments(cycle))).toEqual([
    'INVALID_SHAPE /tasks/0/arguments/x/self/0',
    'INVALID_SHAPE /tasks/0/arguments/x/self/1',
  ])
  let shared: unknown = 1
  for (let i = 0; i < 50; i++) shared = [shared, shared]
  const issues = check(withArguments(shared))
  expect(issues).toHaveLength(1)
  expect(issues[0]).toMatch(/^LIMIT_EXCEEDED/)
})

test('more than 100,000 tasks are refused at once', () => {
  const tasks = Array.from({ length: 100_001 }, () => 1)
  expect(check({ tasks })).toEqual(['LIMIT_EXCEEDED /tasks'])
})

test('ids that name members of objects are ids like any other', () => {
  const ids = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
  const tasks = ids.map((id, i) => ({
    id,
    tool: 'noop',
    dependsOn: ids.slice(0, i),
    arguments: { x: i ? `$OUTPUT[${ids[0]}]` : 1 },
  }))
  expect(check({ tasks })).toEqual([])
  expect(check({ tasks: [{ id: 'a', tool: 'constructor', dependsOn: ['__proto__'] }] })).toEqual([
    'UNKNOWN_TOOL /tasks/0/tool',
    'UNKNOWN_DEPENDENCY /tasks/0/dependsOn/0',
  ])
  expect(check(JSON.parse('{"tasks":[],"__proto__":{}}'))).toEqual(['INVALID_SHAPE /__proto__'])
  expect(check(JSON.parse('{"tasks":[{"id":"a","tool":"typed","arguments":{"__proto__":{"x":"$INPUT"}}}]}'))).toEqual(
    [],
  )
})

test('strings of 10 MB and pointers without end stay bounded', () => {
  const long = 'x'.repeat(10_000_000)
  const list = new IssueList()
  checkDocument({ tasks: [{ id: long, tool: long, [long]: { [long]: 1 }, dependsOn: [long] }] }, tools, list)
  checkDocument(withArguments({ [long]: [1n] }), tools, list)
  expect(JSON.stringify(list.issues).length).toBeLessThan(10_000)
  expect(list.issues.at(-1)?.pointer).toBe('/tasks/0/arguments/x')
})

const name = (i: number): string => `${i}`.padStart(8, 'q').repeat(20)

test('hints cost little even where every name is unknown', () => {
  const tasks = Array.from({ length: 20_000 }, (_, i) => ({ id: name(i), tool: name(i), dependsOn: [`${name(i)}z`] }))
  expect(check({ tasks })).toHaveLength(100)
})

test('any value of any word gets an answer', () => {
  const words = ['when', 'runOn', 'optional', 'default', 'forEach', 'concurrency', 'tolerate', 'repeat', 'workflow']
  const fields = ['finally', 'finallyTimeoutMs', 'inputSchema', 'output', 'workflows']
  const anything = fc.anything({ withBigInt: true, withSparseArray: true, withNullPrototype: true })
  const text = fc.constantFrom(
    '$ITEM.x',
    '$STATUS',
    '$ERROR[a].b',
    '$PREVIOUS[*]',
    '${OUTPUT[a]',
    'input.x == 1',
    'item[',
  )
  const value = fc.oneof(
    anything,
    text,
    fc.array(text),
    fc.dictionary(fc.string(), text),
    fc.record({ tasks: anything }),
  )
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...words), value),
      fc.dictionary(fc.constantFrom(...fields), value),
      (task, document) => {
        const one = { id: 'a', tool: 'noop', arguments: { x: '$ITEM $STATUS' }, ...task }
        for (const isRecorded of [false, true]) {
          const list = new IssueList()
          checkDocument({ tasks: [one], finally: [{ ...one, id: 'b' }], ...document }, tools, list, isRecorded)
          checkDocument({ tasks: [{ id: 'c', workflow: { tasks: [one], ...document } }] }, tools, list, isRecorded)
          expect(list.issues.every(({ code }) => typeof code === 'string')).toBe(true)
        }
      },
    ),
  )
})

test('any value gets an answer', () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true, withNullPrototype: true }),
      value => {
        for (const document of [value, { tasks: value }, { tasks: [value] }, withArguments(value)]) {
          expect(Array.isArray(check(document))).toBe(true)
        }
      },
    ),
  )
})
