import { expect, test } from 'vitest'
import { compileWorkflow, validateWorkflow } from '../../src/plan/compile.ts'
import type { ExecutionPlan, FanOut, PlannedTask, Repetition, SubWorkflow } from '../../src/plan/execution-plan.ts'
import { createLimit } from '../../src/tools/limit.ts'
import type { DAGStructure, WorkflowIssue } from '../../src/workflow/document.ts'
import { readSource } from '../../src/workflow/template.ts'
import { countTolerated } from '../../src/workflow/words/tolerance.ts'

const limit = createLimit(2)
const tools = { noop: () => null, limited: { limit, execute: () => null } }
const a = { id: 'a', tool: 'noop' }
const b = { id: 'b', tool: 'noop' }

const compile = (document: DAGStructure, workflows?: Record<string, DAGStructure>): ExecutionPlan =>
  compileWorkflow(document, tools, workflows === undefined ? {} : { workflows })
const taskOf = (plan: ExecutionPlan, index: number): PlannedTask => plan.tasks[index] as PlannedTask
const brief = ({ issues }: { readonly issues: readonly WorkflowIssue[] }): string[] =>
  issues.map(({ code, pointer }) => `${code} ${pointer}`)

test('a plain document has a plan without any of the words', () => {
  const plan = compile({ tasks: [a, { ...b, runOn: 'success', optional: false, arguments: { x: '$OUTPUT[a]' } }] })
  expect(plan).toMatchObject({ mainCount: 2, finallyLayer: 2, usesLanguage: false, reads: undefined, depth: 0 })
  expect(plan.tasks.map(task => Object.keys(task))).toEqual([
    ['id', 'tool', 'arguments', 'layer'],
    ['id', 'tool', 'arguments', 'layer'],
  ])
})

test('tasks that arguments, items and conditions name are read; listed ones are not', () => {
  const plan = compile({
    tasks: [
      a,
      b,
      { id: 'c', tool: 'noop', dependsOn: ['a', 'b'], arguments: { x: '$OUTPUT[b]' } },
      {
        id: 'd',
        tool: 'noop',
        dependsOn: ['a'],
        forEach: '$OUTPUT[b]',
        when: 'output.c == 1 && status["a"] != "error"',
      },
      { id: 'e', tool: 'noop', runOn: 'settled', arguments: { x: '$STATUS[a]', y: '$ERROR[d].code' } },
    ],
  })
  expect(plan.usesLanguage).toBe(true)
  expect(plan.dependencies).toEqual([[], [], [0, 1], [0, 1, 2], [0, 3]])
  expect(plan.reads).toEqual([[], [], [1], [0, 1, 2], [0, 3]])
  expect(taskOf(plan, 4)).toMatchObject({ runOn: 'settled' })
  expect(taskOf(plan, 0)).not.toHaveProperty('runOn')
})

test('a tolerated failure yields its default, or null', () => {
  const plan = compile({
    tasks: [
      { ...a, optional: true, default: { x: '$INPUT' } },
      { ...b, optional: true },
    ],
  })
  expect(plan.tasks.map(task => task.optional?.default.read())).toEqual([{ x: '$INPUT' }, null])
})

test('a condition that names the item is decided per item, any other for the whole task', () => {
  const plan = compile({
    tasks: [
      { ...a, forEach: [1], when: 'input.x' },
      { ...b, forEach: [1], when: 'item > 1' },
      { id: 'c', tool: 'noop', forEach: [1], when: 'index == 0', timeoutMs: 7, retry: { maxAttempts: 2 } },
    ],
  })
  const bodies = plan.tasks.map(task => (task.group as FanOut).body)
  expect(plan.tasks.map(task => task.when?.source)).toEqual(['input.x', undefined, undefined])
  expect(bodies.map(task => task.when?.source)).toEqual([undefined, 'item > 1', 'index == 0'])
  expect(bodies[2]).toMatchObject({ id: 'c', timeoutMs: 7, retry: { maxAttempts: 2 } })
  expect(taskOf(plan, 2)).not.toHaveProperty('timeoutMs')
  expect(taskOf(plan, 2)).not.toHaveProperty('retry')
})

test('items are a list or named lists, with how many may fail', () => {
  const plan = compile({
    tasks: [
      a,
      { ...b, forEach: '$OUTPUT[a].x', tolerate: '10%', concurrency: 3 },
      { id: 'c', tool: 'noop', forEach: { os: ['l', 'w'], node: '$OUTPUT[a]' }, tolerate: 2 },
    ],
  })
  const list = taskOf(plan, 1).group as FanOut
  expect(list).toMatchObject({ kind: 'forEach', concurrency: 3, tolerate: { share: 0.1 }, items: { kind: 'list' } })
  const product = taskOf(plan, 2).group as FanOut
  expect(product).toMatchObject({ tolerate: { count: 2 }, items: { kind: 'product', keys: ['os', 'node'] } })
  expect(product).not.toHaveProperty('concurrency')
  expect(product.items.kind === 'product' && product.items.lists.map(readSource)).toEqual([['l', 'w'], '$OUTPUT[a]'])
})

test('a share of the items is rounded down, and exact if it is an integer', () => {
  const count = (tolerate: string, items: number): number => {
    const group = compile({ tasks: [{ ...a, forEach: [], tolerate }] }).tasks[0]?.group as FanOut
    return countTolerated(group.tolerate, items)
  }
  expect([count('10%', 25), count('10%', 9), count('0%', 100), count('100%', 7), count('0.5%', 1000)]).toEqual([
    2, 0, 0, 7, 5,
  ])
  for (let percent = 0; percent <= 100; percent++) expect(count(`${percent}%`, 100)).toBe(percent)
  expect(countTolerated({ count: 3 }, 2)).toBe(3)
})

test('a repetition has its bounds and defaults', () => {
  const plan = compile({
    tasks: [
      { ...a, repeat: { maxTimes: 3 }, timeoutMs: 5 },
      { ...b, repeat: { maxTimes: 2, until: 'result.x', everyMs: 10, factor: 2, onExhausted: 'keep' }, when: 'input' },
    ],
  })
  const [first, second] = plan.tasks.map(task => task.group as Repetition)
  expect(first).toMatchObject({ kind: 'repeat', everyMs: 0, factor: 1, maxTimes: 3, onExhausted: 'fail' })
  expect(first).not.toHaveProperty('until')
  expect(first?.body).toMatchObject({ id: 'a', timeoutMs: 5 })
  expect(second).toMatchObject({ everyMs: 10, factor: 2, onExhausted: 'keep', until: { source: 'result.x' } })
  expect(taskOf(plan, 1).when?.source).toBe('input')
})

test('a workflow within a task is a plan of its own, with its tools and limits in those of the outer plan', () => {
  const plan = compile({
    tasks: [
      {
        id: 'a',
        workflow: {
          tasks: [
            { id: 'x', tool: 'limited' },
            { id: 'y', tool: 'limited', dependsOn: ['x'] },
          ],
        },
      },
      { id: 'b', workflow: { tasks: [{ id: 'z', workflow: { tasks: [] } }] }, forEach: [1], timeoutMs: 9 },
    ],
  })
  const inner = taskOf(plan, 0).group as SubWorkflow
  expect(inner.plan.layers).toEqual([['x'], ['y']])
  expect(taskOf(plan, 0).tool.name).toBe('workflow')
  expect([...plan.tools.keys()]).toEqual(['limited'])
  expect(plan.limits).toEqual([limit])
  expect(plan.depth).toBe(2)
  const outer = taskOf(plan, 1).group as FanOut
  expect(outer.body).toMatchObject({ id: 'b', timeoutMs: 9, group: { kind: 'workflow', plan: { depth: 1 } } })
})

test('problems of nested workflows are reported at their place, cycles and unknown tools included', () => {
  const nested = {
    tasks: [
      { id: 'x', tool: 'nope', dependsOn: ['y'] },
      { id: 'y', tool: 'noop', dependsOn: ['x'], arguments: { x: '$OUTPUT[a]' } },
    ],
    output: '$OUTPUT[gone]',
  }
  expect(
    brief(validateWorkflow({ tasks: [a, b, { id: 'c', workflow: nested }, { id: 'd', tool: 'nein' }] }, tools)),
  ).toEqual([
    'UNKNOWN_TOOL /tasks/2/workflow/tasks/0/tool',
    'UNKNOWN_REFERENCE /tasks/2/workflow/tasks/1/arguments/x',
    'UNKNOWN_REFERENCE /tasks/2/workflow/output',
    'UNKNOWN_TOOL /tasks/3/tool',
    'CYCLE /tasks/2/workflow/tasks/0',
  ])
})

test('workflows nest 8 levels deep, no deeper', () => {
  const nest = (depth: number): DAGStructure => ({
    tasks: depth === 0 ? [a] : [{ id: 'x', workflow: nest(depth - 1) }],
  })
  expect(compile(nest(8)).depth).toBe(8)
  const pointer = `/tasks/0${'/workflow/tasks/0'.repeat(8)}/workflow`
  expect(brief(validateWorkflow(nest(9), tools))).toEqual([`LIMIT_EXCEEDED ${pointer}`])
  const workflows = { deep: nest(7) }
  expect(compile({ tasks: [{ id: 'a', workflow: 'deep' }] }, workflows).depth).toBe(8)
  expect(
    brief(
      validateWorkflow({ tasks: [{ id: 'a', workflow: { tasks: [{ id: 'b', workflow: 'deep' }] } }] }, tools, {
        workflows,
      }),
    ),
  ).toEqual(['LIMIT_EXCEEDED /tasks/0/workflow/tasks/0/workflow'])
})

test('a workflow that holds itself, or shares itself many times, is refused at once', () => {
  const cyclic: { tasks: unknown[] } = { tasks: [] }
  cyclic.tasks = [0, 1, 2].map(index => ({ id: `${index}`, workflow: cyclic }))
  const { issues, valid } = validateWorkflow(cyclic, tools)
  expect([valid, issues.every(({ code }) => code === 'LIMIT_EXCEEDED')]).toEqual([false, true])
  let shared: unknown = { tasks: Array.from({ length: 1000 }, (_, index) => ({ id: `${index}`, tool: 'noop' })) }
  for (let depth = 0; depth < 7; depth++) {
    const workflow = shared
    shared = { tasks: Array.from({ length: 20 }, (_, index) => ({ id: `${index}`, workflow })) }
  }
  expect(validateWorkflow(shared, tools).issues[0]).toMatchObject({
    code: 'LIMIT_EXCEEDED',
    message: 'The nested workflows contain more than 100,000 tasks together',
  })
})

test('a task that runs last is behind all others, in layers of its own', () => {
  const plan = compile({
    tasks: [a, { ...b, dependsOn: ['a'] }],
    finally: [
      { id: 'd', tool: 'noop', dependsOn: ['c'], arguments: { x: '$OUTPUT[a] $STATUS' } },
      { id: 'c', tool: 'noop' },
      { id: 'e', tool: 'noop', arguments: { x: '$STATUS[d]' } },
    ],
    finallyTimeoutMs: 50,
  })
  expect(plan).toMatchObject({ mainCount: 2, finallyLayer: 2, usesLanguage: true, finallyTimeoutMs: 50 })
  expect(plan.layers).toEqual([['a'], ['b'], ['c'], ['d'], ['e']])
  expect(plan.dependencies).toEqual([[], [0], [3], [], [2]])
  expect(plan.tasks.map(task => task.layer)).toEqual([0, 1, 3, 2, 4])
  expect(plan.priorities).toHaveLength(5)
})

test('a clash of an id with that of a nested task is reported, at any depth', () => {
  const inner = (...ids: string[]): DAGStructure => ({ tasks: ids.map(id => ({ id, tool: 'noop' })) })
  const find = (...tasks: DAGStructure['tasks']): string[] => brief(validateWorkflow({ tasks }, tools))
  expect(find({ id: 'r', workflow: inner('f') }, { id: 'r/f', tool: 'noop' })).toEqual([
    'DUPLICATE_TASK_ID /tasks/1/id',
  ])
  expect(find({ id: 'r/f', tool: 'noop' }, { id: 'r', workflow: inner('g', 'f') })).toEqual([
    'DUPLICATE_TASK_ID /tasks/0/id',
  ])
  expect(find({ id: 'r', workflow: inner('g') }, { id: 'r/f', tool: 'noop' })).toEqual([])
  // Items and rounds have an index in their ids.
  expect(find({ id: 'r', workflow: inner('f'), forEach: [1] }, { id: 'r/f', tool: 'noop' })).toEqual([])
  const deep: DAGStructure = { tasks: [{ id: 'm', workflow: inner('f') }] }
  expect(find({ id: 'r', workflow: deep }, { id: 'r/m/f', tool: 'noop' })).toEqual(['DUPLICATE_TASK_ID /tasks/1/id'])
  expect(find({ id: 'r', workflow: inner('m/f') }, { id: 'r/m', workflow: inner('f') })).toEqual([
    'DUPLICATE_TASK_ID /tasks/1/id',
  ])
  expect(
    find({
      id: 'r',
      workflow: {
        tasks: [
          { id: 'x', workflow: inner('f') },
          { id: 'x/f', tool: 'noop' },
        ],
      },
    }),
  ).toEqual(['DUPLICATE_TASK_ID /tasks/0/workflow/tasks/1/id'])
})

test('the description of a plan compiles to the same plan', () => {
  const document: DAGStructure = {
    name: 'all',
    inputSchema: { type: 'object' },
    tasks: [
      a,
      { ...b, when: 'output.a == 1', runOn: 'settled', optional: true, default: [1] },
      { id: 'c', tool: 'noop', forEach: { x: [1, '$INPUT.y'], y: '$OUTPUT[a]' }, tolerate: '7%', concurrency: 2 },
      { id: 'd', tool: 'noop', forEach: ['$$INPUT'], when: 'item > 1', timeoutMs: 4, retry: { maxAttempts: 3 } },
      { id: 'e', tool: 'noop', repeat: { maxTimes: 3, until: 'result', everyMs: 2, factor: 3, onExhausted: 'keep' } },
      { id: 'f', workflow: { tasks: [a], output: { x: '$OUTPUT[a]' } }, timeoutMs: 8, estimatedMs: 4 },
      { id: 'g', workflow: 'known', forEach: [1], arguments: { x: '$ITEM' } },
    ],
    finally: [{ id: 'z', tool: 'noop', arguments: { x: '$STATUS' }, optional: true }],
    finallyTimeoutMs: 10,
    output: { text: 'is $OUTPUT[c][*].x' },
  }
  const workflows = { known: { tasks: [{ id: 'k', workflow: 'other' }] }, other: { tasks: [a] } }
  const plan = compile(document, workflows)
  const again = compile(plan.describe(), workflows)
  expect(again.describe()).toEqual(plan.describe())
  const shape = (each: ExecutionPlan): unknown => [
    each.layers,
    each.dependencies,
    each.reads,
    each.mainCount,
    each.depth,
  ]
  expect(shape(again)).toEqual(shape(plan))
  const tasks = (each: ExecutionPlan): unknown =>
    JSON.parse(
      JSON.stringify(each.tasks, (key, value: unknown) => (key === 'tool' || key === 'plan' ? undefined : value)),
    )
  expect(tasks(again)).toEqual(tasks(plan))
  expect(plan.describe().tasks[6]).toMatchObject({ workflow: 'known', forEach: [1] })
  expect(plan.describeRecorded().workflows).toEqual({
    known: { tasks: [{ id: 'k', workflow: 'other', arguments: {}, dependsOn: [] }] },
    other: { tasks: [{ id: 'a', tool: 'noop', arguments: {}, dependsOn: [] }] },
  })
  expect(compile({ tasks: [a] }).describeRecorded()).not.toHaveProperty('workflows')
})
