// oxlint-disable unicorn/consistent-function-scoping -- a helper stands in the one test that needs it
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { DagstreamError } from '../../src/errors.ts'
import { compileWorkflow, validateWorkflow } from '../../src/plan/compile.ts'
import { prepareExecution } from './prepare-execution.ts'
import type { SubWorkflow } from '../../src/plan/execution-plan.ts'
import { WorkflowRegistry } from '../../src/plan/workflow-registry.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'
import type { DAGStructure, RecordedWorkflow, WorkflowIssue } from '../../src/workflow/document.ts'

const tools = new ToolRegistry({ noop: () => null, other: () => null })
const leaf: DAGStructure = { tasks: [{ id: 'a', tool: 'noop' }] }
const running = (...names: string[]): DAGStructure => ({
  tasks: names.map((workflow, index) => ({ id: `t${index}`, workflow })),
})

function problemsOf(create: () => unknown): readonly WorkflowIssue[] {
  try {
    create()
  } catch (error) {
    expect((error as DagstreamError).code).toBe('INVALID_WORKFLOW')
    return (error as DagstreamError).details['issues'] as readonly WorkflowIssue[]
  }
  return []
}

test('a task runs a registered workflow by its name', () => {
  const plan = compileWorkflow(running('leaf'), tools, { workflows: { leaf } })
  expect(plan.tasks[0]?.group).toMatchObject({ kind: 'workflow', name: 'leaf', plan: { layers: [['a']] } })
  expect(plan.tasks[0]?.tool.name).toBe('workflow:leaf')
})

test('an unknown name gets the closest one as a hint, or a hint that there are none', () => {
  expect(validateWorkflow(running('laef'), tools, { workflows: { leaf } }).issues).toEqual([
    {
      code: 'UNKNOWN_WORKFLOW',
      pointer: '/tasks/0/workflow',
      message: 'There is no workflow `laef`',
      hint: 'Did you mean `leaf`?',
    },
  ])
  expect(validateWorkflow(running('x'), tools).issues[0]?.hint).toBe('There are no registered workflows')
  expect(validateWorkflow(running('__proto__', 'constructor'), tools, { workflows: { leaf } }).issueCount).toBe(2)
})

test('a registry reports every problem of every workflow, with its name, each once', () => {
  const workflows = {
    good: leaf,
    bad: {
      tasks: [
        { id: 'a', tool: 'nope' },
        { id: 'b', tool: 'noop', when: '1' },
      ],
    },
    uses: running('bad', 'good'),
    odd: { tasks: [1] } as unknown as DAGStructure,
    code: { tasks: [() => 1] } as unknown as DAGStructure,
  }
  const found = problemsOf(() => new WorkflowRegistry(workflows, tools))
  expect(found.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
    'INVALID_SHAPE /code',
    'UNKNOWN_TOOL /bad/tasks/0/tool',
    'INVALID_CONDITION /bad/tasks/1/when',
    'INVALID_SHAPE /odd/tasks/0',
  ])
  expect(found[1]).toMatchObject({ message: 'In the workflow `bad`: There is no tool `nope`' })
})

test('a workflow cannot run itself, neither directly nor through others', () => {
  expect(problemsOf(() => new WorkflowRegistry({ a: running('a') }, tools))).toEqual([
    {
      code: 'RECURSIVE_WORKFLOW',
      pointer: '/a/tasks/0/workflow',
      message: 'In the workflow `a`: Expected no recursion of workflows, found `a` → `a`',
      hint: 'Remove one of these uses',
      path: ['a', 'a'],
    },
  ])
  const inline = { tasks: [{ id: 'x', workflow: running('c', 'leaf') }] }
  const [issue, ...rest] = problemsOf(
    () => new WorkflowRegistry({ leaf, a: running('b'), b: inline, c: running('leaf', 'a') }, tools),
  )
  expect(rest).toEqual([])
  expect(issue).toMatchObject({
    code: 'RECURSIVE_WORKFLOW',
    pointer: '/c/tasks/1/workflow',
    path: ['c', 'a', 'b', 'c'],
  })
})

test('names are bounded, and two of them are taken', () => {
  for (const name of ['', 'a b', 'a/b', 'schema', 'validate', 'x'.repeat(101)]) {
    expect(() => new WorkflowRegistry({ [name]: leaf }, tools)).toThrow(
      'Expected `workflows` to be an object whose keys',
    )
  }
  for (const name of ['A-b_c.1', 'schemas', 'x'.repeat(100)]) {
    expect(new WorkflowRegistry({ [name]: leaf }, tools).names()).toEqual([name])
  }
  for (const wrong of [null, 3, 'x']) {
    expect(() => new WorkflowRegistry(wrong as unknown as Record<string, DAGStructure>)).toThrow('Expected `workflows`')
  }
})

test('each is compiled once for the same tools, and again for others', () => {
  const registry = new WorkflowRegistry({ leaf, mid: running('leaf') }, tools)
  const planOf = (registered: ToolRegistry): unknown => {
    const [task] = compileWorkflow(running('mid'), registered, { workflows: registry }).tasks
    return (task?.group as SubWorkflow | undefined)?.plan
  }
  expect(planOf(tools)).toBe(planOf(tools))
  const others = new ToolRegistry({ noop: () => 1 })
  expect(planOf(others)).not.toBe(planOf(tools))
  expect(planOf(others)).toBe(planOf(others))
})

test('without tools any tool may be named, and a missing one is reported where the workflow is used', () => {
  const registry = new WorkflowRegistry({ leaf: { tasks: [{ id: 'a', tool: 'gone' }] }, mid: running('leaf') })
  expect(validateWorkflow(running('mid'), tools, { workflows: registry }).issues).toEqual([
    {
      code: 'UNKNOWN_TOOL',
      pointer: '/tasks/0/workflow',
      message: 'In the workflow `leaf`, at `/tasks/0/tool`: There is no tool `gone`',
      hint: 'The tools are `noop`, `other`',
    },
  ])
})

test('a registry holds copies', () => {
  const document = { tasks: [{ id: 'a', tool: 'noop' }] }
  const registry = new WorkflowRegistry({ leaf: document }, tools)
  document.tasks.length = 0
  expect(registry.get('leaf')?.tasks).toHaveLength(1)
  ;(registry.get('leaf') as { tasks: unknown[] }).tasks.length = 0
  expect(registry.get('leaf')?.tasks).toHaveLength(1)
  expect([registry.has('leaf'), registry.has('x'), registry.get('x')]).toEqual([true, false, undefined])
})

test('long chains of workflows are refused by their depth, without recursion', () => {
  const count = 5000
  const workflows = Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`w${index}`, index === count - 1 ? leaf : running(`w${index + 1}`)]),
  )
  const [issue] = problemsOf(() => new WorkflowRegistry(workflows, tools))
  expect(issue).toMatchObject({ code: 'LIMIT_EXCEEDED' })
  expect(issue?.message).toContain('Nested deeper than 8 workflows')
})

test('a recorded document holds the workflows that it names, and runs without a registry', () => {
  const registry = new WorkflowRegistry({ leaf, mid: running('leaf'), unused: leaf }, tools)
  const document: DAGStructure = { tasks: [{ id: 'x', workflow: { tasks: [{ id: 'y', workflow: 'mid' }] } }] }
  const recorded = registry.record(document)
  expect(Object.keys(recorded.workflows ?? {})).toEqual(['leaf', 'mid'])
  expect(registry.record(leaf)).toBe(leaf)
  const { plan } = prepareExecution(recorded, tools, undefined, true)
  expect(plan.depth).toBe(3)
  expect(plan.describeRecorded().workflows).toHaveProperty('mid')
  const again = prepareExecution(plan.describeRecorded(), tools, undefined, true)
  expect(again.plan.describeRecorded()).toEqual(plan.describeRecorded())
})

test('`workflows` is not a field of a document that is not recorded', () => {
  const recorded: RecordedWorkflow = { tasks: [], workflows: { leaf } }
  expect(validateWorkflow(recorded, tools).issues[0]).toMatchObject({ code: 'INVALID_SHAPE', pointer: '/workflows' })
  expect(() => prepareExecution(recorded, tools, undefined)).toThrow('Unknown field `workflows`')
})

test('a recorded document that is damaged is refused like any other', () => {
  for (const document of [
    null,
    { tasks: [], workflows: 3 },
    { tasks: [], workflows: { w: 3 } },
    { tasks: [], workflows: [] },
  ]) {
    expect(() => prepareExecution(document as unknown as RecordedWorkflow, tools, undefined, true)).toThrow(
      'INVALID_SHAPE',
    )
  }
})

test('a recorded document may name the schema of editors', () => {
  const document = { $schema: 'x', tasks: [{ id: 'w', workflow: { $schema: 'x', tasks: [] } }] }
  expect(prepareExecution(document as DAGStructure, tools, undefined, true).plan.tasks).toHaveLength(1)
})

test('recorded documents keep the grammar of their time, in their workflows too', () => {
  const old = { tasks: [{ id: '..', tool: 'noop', arguments: { x: '$ITEM $STATUS[a] $STATUS', y: '$ERROR[' } }] }
  for (const document of [old, { tasks: [{ id: 'x', workflow: 'w' }], workflows: { w: old } }]) {
    expect(prepareExecution(document, tools, undefined, true).plan.tasks).toHaveLength(1)
  }
})

test('any values as workflows get an answer', () => {
  const throwing = Object.defineProperty({}, 'tasks', {
    enumerable: true,
    get: () => expect.fail('read'),
  }) as DAGStructure
  expect(problemsOf(() => new WorkflowRegistry({ throwing }, tools))).toMatchObject([{ code: 'INVALID_SHAPE' }])
  const name = fc.constantFrom('a', 'b', 'c', 'gone')
  const task = fc.record({
    id: fc.constantFrom('x', 'y', 'x/y'),
    workflow: fc.oneof(name, fc.record({ tasks: fc.anything() })),
  })
  const document = fc.oneof(fc.anything(), fc.record({ tasks: fc.array(task), finally: fc.array(task) }))
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom('a', 'b', 'c'), document), document, (workflows, root) => {
      const known = workflows as Record<string, DAGStructure>
      const issues = problemsOf(() => new WorkflowRegistry(known, tools))
      const pointers = issues.map(({ pointer }) => pointer)
      expect(pointers.every(pointer => /^\/[abc](?:\/|$)/.test(pointer))).toBe(true)
      if (issues.length === 0) validateWorkflow(root, tools, { workflows: known })
    }),
    { numRuns: 500 },
  )
})
