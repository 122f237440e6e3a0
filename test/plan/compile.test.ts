// oxlint-disable unicorn/consistent-function-scoping -- a helper stands in the one test that needs it
import { expect, test } from 'vitest'
import {
  compileWorkflow,
  type DAGStructure,
  type DagstreamError,
  ParallelExecutor,
  type ToolSource,
  validateWorkflow,
  type WorkflowIssue,
} from '../../src/index.ts'
import { JsonValue } from '../../src/events/json-value.ts'
import { checkExecution } from '../../src/plan/compile.ts'
import type { ExecutionPlan, PlannedTask } from '../../src/plan/execution-plan.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'
import { resolveTemplate } from '../../src/workflow/template.ts'
import { diamond, task, workflow } from '../support/workflows.ts'

const tools = { work: (): number => 1 }
const codes = ({ issues }: { issues: readonly WorkflowIssue[] }): string[] =>
  issues.map(({ code, pointer }) => `${code} ${pointer}`)

test('a plan holds the tasks in document order, with their layers', () => {
  const plan = compileWorkflow({ name: 'named', ...diamond('a', ['b', 'c'], 'd') }, tools)
  expect(plan.name).toBe('named')
  expect(plan.tasks.map(({ id, layer }) => [id, layer])).toEqual([
    ['a', 0],
    ['b', 1],
    ['c', 1],
    ['d', 2],
  ])
  expect([plan.layers, plan.dependencies]).toEqual([
    [['a'], ['b', 'c'], ['d']],
    [[], [0], [0], [1, 2]],
  ])
})

test('a plan is its own plan', () => {
  const plan = compileWorkflow(diamond('a', ['b'], 'c'), tools)
  expect(compileWorkflow(plan, tools)).toBe(plan)
})

test('a plan is frozen to its leaves', () => {
  const document = workflow(
    'a',
    task('b', [], {
      arguments: { list: [1, ['$OUTPUT[a].x', { text: 'is $INPUT.y' }]], o: {} },
      retry: { maxAttempts: 2 },
      timeoutMs: 5,
    }),
  )
  const plan = compileWorkflow(document, tools)
  expect(plan.priorities).toEqual([0, 1])
  expect(findUnfrozen(plan, 'plan')).toEqual([])
})

test('a plan with every word is frozen to its leaves', () => {
  const nested = { tasks: [task('x', [], { arguments: { x: '$INPUT.x' } })], inputSchema: {}, output: ['$OUTPUT[x]'] }
  const document: DAGStructure = {
    ...nested,
    tasks: [
      ...nested.tasks,
      task('a', ['x'], { when: 'output.x == 1', runOn: 'settled', optional: true, default: { y: [1] } }),
      task('b', [], { forEach: { l: ['$OUTPUT[a]'], m: '$OUTPUT[x]' }, tolerate: '10%', when: 'item.l' }),
      task('c', [], { repeat: { maxTimes: 2, until: 'result' }, retry: { maxAttempts: 2 } }),
      { id: 'd', workflow: nested, forEach: [1] },
      { id: 'e', workflow: 'known' },
    ],
    finally: [task('f', [], { arguments: { x: '$STATUS[a]' } })],
  }
  const plan = compileWorkflow(document, tools, { workflows: { known: nested } })
  expect(plan.priorities).toHaveLength(7)
  // Conditions and JSON values keep their state in private fields.
  const isOpen = (path: string): boolean => !/\.(?:when|until|default|schema)(?:\.|$)/.test(path)
  expect(findUnfrozen(plan, 'plan').filter(isOpen)).toEqual([])
})

test('validateWorkflow reports every problem at once, with its place', () => {
  const document = {
    tasks: [
      { id: 'a', tool: 'wrok' },
      { id: 'a', tool: 'work' },
      { id: 'c', tool: 'work', dependsOn: ['c', 'nobody'] },
      { id: 'd', tool: 'work', arguments: { x: '$OUTPUT[e].y', y: '$OUTPUT[', z: '$OUTPUT[gone]' } },
      { id: 'e', tool: 'work', dependsOn: ['d'] },
      { id: 'f', tool: 'work', colour: 'red' },
    ],
  }
  const result = validateWorkflow(document, tools)
  expect([result.valid, result.issueCount]).toEqual([false, 8])
  expect(codes(result).sort()).toEqual([
    'CYCLE /tasks/3',
    'DUPLICATE_TASK_ID /tasks/1/id',
    'INVALID_REFERENCE /tasks/3/arguments/y',
    'INVALID_SHAPE /tasks/5/colour',
    'SELF_DEPENDENCY /tasks/2/dependsOn/0',
    'UNKNOWN_DEPENDENCY /tasks/2/dependsOn/1',
    'UNKNOWN_REFERENCE /tasks/3/arguments/z',
    'UNKNOWN_TOOL /tasks/0/tool',
  ])
})

test('a cycle reports its path, through references too, and at most 100 issues are listed of all', () => {
  const cyclic = workflow(task('b', ['a']), task('a', [], { arguments: { x: '$OUTPUT[b]' } }))
  expect(validateWorkflow(cyclic, tools).issues).toEqual([
    {
      code: 'CYCLE',
      pointer: '/tasks/1',
      message: 'Expected no cycle of dependencies, found `a` → `b` → `a`',
      hint: 'Remove one of these dependencies',
      path: ['a', 'b', 'a'],
    },
  ])
  const many = workflow(...Array.from({ length: 250 }, (_, index) => task(`t${index}`, ['nobody'])))
  const { issues, issueCount } = validateWorkflow(many, tools)
  expect([issues.length, issueCount]).toEqual([100, 250])
})

test('validateWorkflow accepts any value, and reports its faults', () => {
  for (const document of [undefined, null, 5, 'text', [], {}, { tasks: 5 }, { tasks: [5, null] }, () => 1]) {
    const { valid, issueCount } = validateWorkflow(document, tools)
    expect([valid, issueCount > 0]).toEqual([false, true])
  }
  expect(validateWorkflow({ tasks: [] }, tools)).toEqual({ valid: true, issues: [], issueCount: 0 })
})

test('validateWorkflow checks an input that it is given', () => {
  const document = workflow(task('a', [], { arguments: { q: '$INPUT.topic' } }))
  expect(validateWorkflow(document, tools).valid).toBe(true)
  expect(validateWorkflow(document, tools, { input: { topic: 1 } }).valid).toBe(true)
  expect(codes(validateWorkflow(document, tools, { input: {} }))).toEqual(['UNKNOWN_REFERENCE /tasks/0/arguments/q'])
})

test('validateWorkflow takes a plan, of which only the input is left to check', () => {
  const plan = compileWorkflow(workflow(task('a', [], { arguments: { q: '$INPUT.topic' } })), tools)
  const valid = { valid: true, issues: [], issueCount: 0 }
  expect(validateWorkflow(plan, tools)).toEqual(valid)
  expect(validateWorkflow(plan, tools, { input: { topic: 1 } })).toEqual(valid)
  expect(codes(validateWorkflow(plan, tools, { input: {} }))).toEqual(['UNKNOWN_REFERENCE /tasks/0/arguments/q'])
})

test('the layers of a plan are its tasks as far as it keeps them, dependencies that are referred to included', () => {
  const document = workflow(
    task('b', ['a'], { arguments: { list: ['$OUTPUT[c].x', { text: 'is ${INPUT.y}' }, 1, null] } }),
    task('a', [], { timeoutMs: 5, retry: { maxAttempts: 2 }, estimatedMs: 7, name: 'first' }),
    'c',
  )
  const executor = new ParallelExecutor(tools)
  const plan = compileWorkflow(document, tools)
  const layers = executor.topologicalSort(plan)
  expect(layers).toEqual([
    [
      { id: 'a', tool: 'work', arguments: {}, dependsOn: [], estimatedMs: 7, timeoutMs: 5, retry: { maxAttempts: 2 } },
      { id: 'c', tool: 'work', arguments: {}, dependsOn: [] },
    ],
    [
      {
        id: 'b',
        tool: 'work',
        arguments: { list: ['$OUTPUT[c].x', { text: 'is ${INPUT.y}' }, 1, null] },
        dependsOn: ['a', 'c'],
      },
    ],
  ])
  // What it gives back is a document: it compiles to the same layers.
  expect(compileWorkflow({ tasks: layers.flat() }, tools).layers).toEqual(plan.layers)
  expect(executor.topologicalSort(document).map(layer => layer.map(({ id }) => id))).toEqual(plan.layers)
})

test('an input that is not JSON is refused in the words of an option', () => {
  const validate = (): unknown => validateWorkflow(workflow('a'), tools, { input: { n: 1n } })
  expect(validate).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})

test('a tool definition that is wrong is not a fault of the document', () => {
  const wrong = { work: { execute: 5 } } as unknown as ToolSource
  expect(() => compileWorkflow(workflow('a'), wrong)).toThrow(expect.objectContaining({ code: 'INVALID_TOOL' }))
})

test('an invalid workflow throws with its issues', () => {
  try {
    compileWorkflow(workflow(task('a', ['b'])), tools)
    expect.unreachable()
  } catch (error) {
    const { code, message, details } = error as DagstreamError
    expect([code, message, details['issueCount']]).toEqual([
      'INVALID_WORKFLOW',
      'UNKNOWN_DEPENDENCY at `/tasks/0/dependsOn/0`: There is no task `b`',
      1,
    ])
  }
})

/** Paths of the objects in `value` that can be changed; the definitions that callers own are not looked into. */
function findUnfrozen(value: unknown, path: string, seen = new Set<unknown>()): string[] {
  if (typeof value !== 'object' || value === null || seen.has(value) || value instanceof ToolRegistry) return []
  seen.add(value)
  const here = Object.isFrozen(value) ? [] : [path]
  const own = Object.entries(value).filter(([key]) => !(path.endsWith('.tool') && (key === 'tool' || key === 'limit')))
  return [...here, ...own.flatMap(([key, member]) => findUnfrozen(member, `${path}.${key}`, seen))]
}

test('a recorded workflow is read by the rules of its time: near misses as text, halves of characters in names', () => {
  const tasks = [{ id: '..', tool: 'work', arguments: { text: "$INPUT['x'] $INPUT[-1]" }, name: 'half \ud83d' }]
  const document = { name: 'half \ud83d', tasks }
  expect(() => checkExecution(document, tools, 'in')).toThrow('and 3 more')
  const plan = checkExecution(document, tools, 'in', true).plan() as ExecutionPlan
  const { arguments: template } = plan.tasks[0] as PlannedTask
  const scope = { input: JsonValue.from('in'), output: () => JsonValue.null }
  expect(resolveTemplate(template, scope).value).toEqual({ text: "in['x'] in[-1]" })
})
