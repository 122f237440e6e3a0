import { expect, test } from 'vitest'
import { DagstreamError } from '../../src/errors.ts'
import { createLimit } from '../../src/tools/limit.ts'
import { type ToolSource, ToolRegistry } from '../../src/tools/registry.ts'
import { defineTool, type Tool, type ToolContext } from '../../src/tools/tool.ts'

interface FetchArguments {
  url: string
}

const fetchTool: Tool<FetchArguments, number> = { name: 'fetch', execute: ({ url }) => url.length }
const execute = (): number => 1
const context = {} as ToolContext

function refusal(source: unknown): { code: string; message: string } {
  try {
    ToolRegistry.from(source as ToolSource)
  } catch (error) {
    if (error instanceof DagstreamError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('it was accepted')
}

test('tools come from an array, from a record, or from another registry, whatever their arguments', () => {
  const fromArray = new ToolRegistry([fetchTool, defineTool({ name: 'one', execute: () => 1 })])
  const fromRecord = new ToolRegistry({
    fetch: fetchTool,
    add: (args: { a: number; b: number }) => args.a + args.b,
    nameless: { execute: () => 'nameless' },
  })
  expect(fromArray.names()).toEqual(['fetch', 'one'])
  expect(fromRecord.names()).toEqual(['fetch', 'add', 'nameless'])
  expect(new ToolRegistry(fromArray).names()).toEqual(['fetch', 'one'])
  expect(fromRecord.get('add')?.execute({ a: 1, b: 2 }, context)).toBe(3)
  expect(fromRecord.get('nameless')?.execute({}, context)).toBe('nameless')
  expect(fromArray.get('fetch')?.execute({ url: 'four' }, context)).toBe(4)
})

test('the registry of a registry is that registry itself', () => {
  const registry = new ToolRegistry()
  expect(ToolRegistry.from(registry)).toBe(registry)
  expect(ToolRegistry.from([fetchTool]).has('fetch')).toBe(true)
})

test('a provider is not taken for an object of two functions', () => {
  expect(refusal({ toolsFor: async () => [], tools: async () => [], close: async () => {} })).toEqual({
    code: 'INVALID_OPTION',
    message:
      'Expected `tools` to be tools, got a provider of them: pass the result of `await provider.toolsFor(workflow)`',
  })
  expect(new ToolRegistry({ tools: () => 1 }).names()).toEqual(['tools'])
})

test('a tool keeps its `this`', () => {
  class Counter {
    readonly name = 'count'
    total = 0
    execute(): number {
      this.total += 1
      return this.total
    }
  }
  const registered = new ToolRegistry([new Counter()]).get('count')
  registered?.execute({}, context)
  expect(registered?.execute({}, context)).toBe(2)
})

test('only own keys are names, and `__proto__` is a name like any other', () => {
  const registry = new ToolRegistry(Object.fromEntries([['__proto__', () => 1]]))
  expect(registry.names()).toEqual(['__proto__'])
  expect(registry.has('constructor')).toBe(false)
  expect(new ToolRegistry({}).get('toString')).toBeUndefined()
})

test('a number becomes a limit of the tool alone, a shared limit stays shared', () => {
  const shared = createLimit(2)
  const registry = new ToolRegistry([
    { name: 'a', limit: 3, execute: () => 1 },
    { name: 'b', limit: shared, execute: () => 1 },
    { name: 'c', execute: () => 1 },
  ])
  expect(registry.get('a')?.limit?.size).toBe(3)
  expect(registry.get('a')?.limit).toBe(registry.get('a')?.limit)
  expect(registry.get('b')?.limit).toBe(shared)
  expect(registry.get('c')?.limit).toBeUndefined()
})

test('a malformed definition is refused by name', () => {
  expect(refusal([{ name: '', execute }]).message).toContain("Expected a tool's `name` to be")
  expect(refusal([{ name: 'a\nb', execute }]).code).toBe('INVALID_TOOL')
  expect(refusal([{ name: 'a'.repeat(201), execute }]).code).toBe('INVALID_TOOL')
  expect(refusal([{ name: 'a' }])).toEqual({
    code: 'INVALID_TOOL',
    message: 'Tool `a`: expected `execute` to be a function, got undefined',
  })
  expect(refusal([{ name: 'a', limit: 0, execute }]).message).toBe(
    'Tool `a`: expected `limit` to be a positive integer or the result of createLimit(), got `0` (number)',
  )
  expect(refusal([{ name: 'a', timeoutMs: -1, execute }]).message).toBe(
    'Tool `a`: expected `timeoutMs` to be a finite number ≥ 0, got `-1` (number)',
  )
  expect(refusal([{ name: 'a', retry: { maxAttempts: 0 }, execute }]).message).toBe(
    'Tool `a`: expected `retry.maxAttempts` to be an integer from 1 to 100, got `0` (number)',
  )
  expect(refusal([{ name: 'a', retry: { attempts: 1 }, execute }]).message).toContain('`retry.attempts` to be absent')
  expect(refusal([{ name: 'a', retry: 3, execute }]).message).toContain('`retry` to be an object')
  expect(refusal([{ name: 'a', inputSchema: 3, execute }]).message).toContain('`inputSchema`')
  expect(refusal([{ name: 'a', inputSchema: 3, checkArguments: false, execute }]).message).toBe(
    'Tool `a`: expected `inputSchema` to be a JSON Schema or a Standard Schema, got `3` (number)',
  )
  expect(refusal([{ name: 'a', checkArguments: 'no', execute }]).message).toBe(
    'Tool `a`: expected `checkArguments` to be true or false, got `"no"` (string)',
  )
  expect(refusal([null]).message).toBe('Expected a tool, `{ name, execute }`, got null')
  expect(refusal({ a: 1 }).message).toBe('Tool `a`: expected a tool or a function, got `1` (number)')
  expect(refusal({ a: { name: 'b', execute } }).message).toContain('expected `name` to be its key or absent')
  expect(refusal(3).code).toBe('INVALID_OPTION')
})

test('a schema is only shown where `checkArguments` is false, whatever schema it is', async () => {
  const inputSchema = { type: 'object', $ref: '#/nowhere' }
  const tool = new ToolRegistry([{ name: 'a', inputSchema, checkArguments: false, execute }]).get('a')
  expect([tool?.tool.inputSchema, tool?.hasSchema]).toEqual([inputSchema, false])
  expect(await tool?.checkArguments({ x: 1 })).toEqual({ value: { x: 1 }, problems: [] })
  expect(tool?.checkUnresolvedArguments({ x: 1 }, [])).toEqual([])
})

test('two tools of one name are refused', () => {
  expect(refusal([fetchTool, fetchTool])).toEqual({
    code: 'INVALID_TOOL',
    message: 'There are two tools named `fetch`; give one another name',
  })
})

test.each([
  [7, 'expected `rate` to be an object, `{ max, perMs }`, got `7` (number)'],
  [{ max: 0, perMs: 1 }, 'expected `rate.max` to be an integer from 1 to 1000000, got `0` (number)'],
  [{ max: 1 }, 'expected `rate.perMs` to be an integer from 1 to 86400000, got undefined'],
  [{ max: 1, perMs: 1, burst: 2 }, 'expected `rate.burst` to be absent (known are max, perMs), got `2` (number)'],
])('the rate %j is refused', (rate, message) => {
  expect(refusal([{ name: 'a', execute: () => 1, rate: rate as never }]).message).toBe(`Tool \`a\`: ${message}`)
})
