import { expect, test } from 'vitest'
import { validateWorkflow } from '../../src/plan/compile.ts'
import type { DAGStructure, WorkflowIssue } from '../../src/workflow/document.ts'

const tools = {
  noop: () => null,
  page: {
    inputSchema: { type: 'object', properties: { url: { type: 'string' } }, required: ['url'] },
    execute: () => null,
  },
}

function issuesOf(document: unknown, workflows?: Record<string, DAGStructure>): readonly WorkflowIssue[] {
  return validateWorkflow(document, tools, workflows === undefined ? {} : { workflows }).issues
}

const brief = (issues: readonly WorkflowIssue[]): string[] => issues.map(({ code, pointer }) => `${code} ${pointer}`)
const ofTasks = (...tasks: unknown[]): readonly WorkflowIssue[] => issuesOf({ tasks })
const a = { id: 'a', tool: 'noop' }
const b = { id: 'b', tool: 'noop' }

test('each word is accepted where it has a meaning', () => {
  const document = {
    inputSchema: { type: 'object' },
    tasks: [
      a,
      { ...b, when: 'output.a == 1 && input.x > 2', runOn: 'success', optional: true, default: { any: [null] } },
      { id: 'c', tool: 'noop', forEach: [1, '$INPUT.x', { y: '$OUTPUT[a]' }], concurrency: 2, tolerate: 1 },
      { id: 'd', tool: 'noop', forEach: '$OUTPUT[a][*].x', tolerate: '12.5%', when: 'item.y && index < 3' },
      {
        id: 'e',
        tool: 'noop',
        forEach: { os: ['a', 'b'], node: '${INPUT.nodes}' },
        arguments: { x: '$ITEM.os $INDEX' },
      },
      {
        id: 'f',
        tool: 'noop',
        repeat: {
          until: 'result.done || index == 3 || input.x',
          everyMs: 5,
          factor: 2,
          maxTimes: 9,
          onExhausted: 'keep',
        },
        arguments: { before: '$PREVIOUS.x', number: '${INDEX}' },
      },
      { id: 'g', workflow: { tasks: [a] }, arguments: { x: 1 }, timeoutMs: 5, estimatedMs: 3 },
      { id: 'h', workflow: 'known', forEach: '$INPUT.list', timeoutMs: 5, dependsOn: ['a'] },
      { id: 'i', workflow: 'known', repeat: { maxTimes: 2 } },
      { id: 'j', tool: 'noop', runOn: 'failure', dependsOn: ['a'], arguments: { x: '$STATUS[a] $ERROR[b].code' } },
      { id: 'k', tool: 'noop', runOn: 'settled', when: 'status.a == "error" || error.a.code == "x"' },
    ],
    finally: [
      { id: 'l', tool: 'noop', arguments: { x: '$STATUS $STATUS[a] $ERROR[a].message $OUTPUT[b].x' } },
      { id: 'm', tool: 'noop', dependsOn: ['l'], when: 'execution.status == "error" && output.a != null' },
    ],
    finallyTimeoutMs: 0,
    output: { a: '$OUTPUT[a]', l: '$OUTPUT[l].x', i: '$INPUT.x' },
  }
  expect(issuesOf(document, { known: { tasks: [] } })).toEqual([])
})

test('contradictions are reported with both names and a fix', () => {
  const task = { ...a }
  expect(ofTasks({ id: 'a' })[0]).toMatchObject({
    code: 'INVALID_SHAPE',
    message: 'Missing field `tool` or `workflow`',
  })
  expect(ofTasks({ ...task, workflow: { tasks: [] } })[0]).toEqual({
    code: 'INVALID_SHAPE',
    pointer: '/tasks/0',
    message: 'Expected one of `tool` and `workflow`, got both',
    hint: 'Keep `tool` to call a tool, `workflow` to run a workflow',
  })
  expect(ofTasks({ id: 'a', workflow: { tasks: [] }, retry: { maxAttempts: 2 } })[0]).toMatchObject({
    message: 'Expected one of `retry` and `workflow`, got both',
    hint: '`retry` belongs on the tasks of the workflow',
  })
  expect(ofTasks({ ...task, forEach: [], repeat: { maxTimes: 1 } })[0]).toMatchObject({
    message: 'Expected one of `forEach` and `repeat`, got both',
    hint: 'Nest one in a `workflow` of the other',
  })
  for (const word of ['concurrency', 'tolerate']) {
    expect(ofTasks({ ...task, [word]: 1 })[0]).toMatchObject({
      message: `Expected \`forEach\` beside \`${word}\`, got \`${word}\` alone`,
    })
  }
  const hint = 'Add `"optional": true`: `default` stands for the output of an optional task that fails'
  expect(ofTasks({ ...task, default: 1 })[0]).toMatchObject({ pointer: '/tasks/0', hint })
  expect(ofTasks({ ...task, default: null, optional: false })[0]).toMatchObject({
    message: 'Expected `optional` to be true beside `default`, got false',
    hint,
  })
})

test('values beyond the bounds of a word are reported at the value', () => {
  const found = ofTasks(
    { ...a, forEach: [], concurrency: 0, tolerate: -1 },
    { id: 'b', tool: 'noop', forEach: [], concurrency: 1.5, tolerate: '101%' },
    { id: 'c', tool: 'noop', forEach: [], tolerate: '5' },
    { id: 'd', tool: 'noop', runOn: 'always', when: 1, optional: 'yes' },
    {
      id: 'e',
      tool: 'noop',
      repeat: { maxTimes: 1001, everyMs: -1, factor: 0.5, onExhausted: 'x', until: true, y: 1 },
    },
    { id: 'f', tool: 'noop', repeat: {} },
    { id: 'g', tool: 'noop', forEach: {} },
    { id: 'h', tool: 'noop', forEach: { x: 3 } },
    { id: 'i', tool: 'noop', forEach: 3 },
    { id: 'j', workflow: 3 },
    { id: 'k', workflow: { tusks: [] } },
  )
  expect(brief(found)).toEqual([
    'INVALID_SHAPE /tasks/0/concurrency',
    'INVALID_SHAPE /tasks/0/tolerate',
    'INVALID_SHAPE /tasks/1/concurrency',
    'INVALID_SHAPE /tasks/1/tolerate',
    'INVALID_SHAPE /tasks/2/tolerate',
    'INVALID_SHAPE /tasks/3/runOn',
    'INVALID_SHAPE /tasks/3/when',
    'INVALID_SHAPE /tasks/3/optional',
    'INVALID_SHAPE /tasks/4/repeat/maxTimes',
    'INVALID_SHAPE /tasks/4/repeat/everyMs',
    'INVALID_SHAPE /tasks/4/repeat/factor',
    'INVALID_SHAPE /tasks/4/repeat/onExhausted',
    'INVALID_SHAPE /tasks/4/repeat/until',
    'INVALID_SHAPE /tasks/4/repeat/y',
    'INVALID_SHAPE /tasks/5/repeat',
    'INVALID_SHAPE /tasks/6/forEach',
    'INVALID_SHAPE /tasks/7/forEach/x',
    'INVALID_SHAPE /tasks/8/forEach',
    'INVALID_SHAPE /tasks/9/workflow',
    'INVALID_SHAPE /tasks/10/workflow/tusks',
    'INVALID_SHAPE /tasks/10/workflow',
  ])
  expect(found[5]?.hint).toBe('The values are `success`, `failure`, `settled`')
  expect(found[1]?.message).toBe('Expected `tolerate` to be an integer ≥ 0, got `-1` (number)')
  expect(found[3]?.message).toBe(
    'Expected `tolerate` to be the number of items that may fail, or a share of them such as `"10%"`, got `"101%"` (string)',
  )
})

test('a default and an output that are not JSON are reported at their place', () => {
  expect(brief(ofTasks({ ...a, optional: true, default: [1n] }))).toEqual(['INVALID_SHAPE /tasks/0/default/0'])
  expect(brief(ofTasks({ ...a, optional: true, default: '$OUTPUT[ $STATUS[x] text' }))).toEqual([])
  expect(brief(issuesOf({ tasks: [], output: { x: () => 1 } }))).toEqual(['INVALID_SHAPE /output/x'])
})

test('the items must be a list, or one reference to it', () => {
  const found = ofTasks(
    a,
    { ...b, forEach: 'text' },
    { id: 'c', tool: 'noop', forEach: 'x $OUTPUT[a]' },
    { id: 'd', tool: 'noop', forEach: { ok: [1], wrong: '$$OUTPUT[a]' } },
    { id: 'e', tool: 'noop', forEach: ['$OUTPUT[b', '$ITEM'] },
    { id: 'f', tool: 'noop', forEach: '$ITEM' },
  )
  expect(brief(found)).toEqual([
    'INVALID_ITEMS /tasks/1/forEach',
    'INVALID_ITEMS /tasks/2/forEach',
    'INVALID_ITEMS /tasks/3/forEach/wrong',
    'INVALID_REFERENCE /tasks/4/forEach/0',
    'INVALID_ITEMS /tasks/5/forEach',
  ])
  expect(found[0]).toMatchObject({
    message: 'Expected an array, or a string that is exactly one reference to an array, got text',
    hint: 'Write a list, or `$OUTPUT[id].path`, `$INPUT.path` and nothing else',
  })
})

test('more than 10,000 literal items are refused, also as a product', () => {
  const list = (length: number): number[] => Array.from({ length }, () => 0)
  expect(brief(ofTasks({ ...a, forEach: list(10_000) }))).toEqual([])
  expect(brief(ofTasks({ ...a, forEach: list(10_001) }))).toEqual(['LIMIT_EXCEEDED /tasks/0/forEach'])
  expect(brief(ofTasks({ ...a, forEach: { x: list(100), y: list(100) } }))).toEqual([])
  expect(brief(ofTasks({ ...a, forEach: { x: list(100), y: list(101) } }))).toEqual(['LIMIT_EXCEEDED /tasks/0/forEach'])
})

test('a condition is checked with its document: syntax, names, types, ids', () => {
  const found = ofTasks(
    { ...a, when: 'output.b ==' },
    { ...b, when: 'inptu.x == 1' },
    { id: 'cc', tool: 'noop', when: '1 + 2' },
    { id: 'd', tool: 'noop', when: 'output.cd == 1 && status["no such"] == "error"' },
    { id: 'e', tool: 'noop', when: 'item == 1' },
    { id: 'f', tool: 'noop', when: 'output.f == 1' },
    { id: 'g', tool: 'noop', when: 'execution.status == "error"' },
    { id: 'h', tool: 'noop', repeat: { maxTimes: 2, until: 'output.a == 1' } },
  )
  expect(brief(found)).toEqual([
    'INVALID_CONDITION /tasks/0/when',
    'INVALID_CONDITION /tasks/1/when',
    'INVALID_CONDITION /tasks/2/when',
    'UNKNOWN_REFERENCE /tasks/3/when',
    'UNKNOWN_REFERENCE /tasks/3/when',
    'INVALID_CONDITION /tasks/4/when',
    'SELF_DEPENDENCY /tasks/5/when',
    'INVALID_CONDITION /tasks/6/when',
    'INVALID_CONDITION /tasks/7/repeat/until',
  ])
  expect(found[0]?.message).toMatch(/\(column \d+\)$/)
  expect(found[1]).toMatchObject({ message: 'There is no name `inptu` (column 1)', hint: 'Did you mean `input`?' })
  expect(found[3]).toMatchObject({ message: 'There is no task `cd`', hint: 'Did you mean `cc`?' })
})

test('a task waits for a `finally` task as little as the other way round', () => {
  const found = issuesOf({
    tasks: [a, { ...b, dependsOn: ['end'], when: 'output.end == 1', arguments: { x: '$OUTPUT[end]' } }],
    finally: [{ id: 'end', tool: 'noop', dependsOn: ['a'], arguments: { x: '$OUTPUT[a]' } }],
  })
  expect(brief(found)).toEqual([
    'UNKNOWN_DEPENDENCY /tasks/1/dependsOn/0',
    'UNKNOWN_REFERENCE /tasks/1/when',
    'UNKNOWN_REFERENCE /tasks/1/arguments/x',
    'UNKNOWN_DEPENDENCY /finally/0/dependsOn/0',
  ])
  expect(found[0]?.hint).toBe('`end` is a `finally` task, which runs after all others')
  expect(found[3]?.hint).toBe('`a` has settled before `finally` begins: only `finally` tasks can be waited for')
})

test('ids are unique across `tasks` and `finally`, and cycles of `finally` are reported', () => {
  const found = issuesOf({
    tasks: [a],
    finally: [{ ...a }, { id: 'x', tool: 'noop', dependsOn: ['y'] }, { id: 'y', tool: 'noop', when: 'output.x == 1' }],
  })
  expect(brief(found)).toEqual(['DUPLICATE_TASK_ID /finally/0/id', 'CYCLE /finally/1'])
  expect(found[0]?.message).toContain('/tasks/0')
})

test('an error has `code` and `message` alone', () => {
  const found = ofTasks(a, { ...b, runOn: 'failure', arguments: { x: '$ERROR[a].stack', y: '$ERROR[a].code' } })
  expect(found).toEqual([
    {
      code: 'UNKNOWN_REFERENCE',
      pointer: '/tasks/1/arguments/x',
      message: '`$ERROR[a].stack` does not exist',
      hint: 'An error has `code` and `message`',
    },
  ])
})

test('a status or an error of a task that there is not is reported', () => {
  const x = '$STATUS[aa] $ERROR[bb].code $OUTPUT[cc]'
  expect(brief(ofTasks(a, { ...b, runOn: 'settled', arguments: { x } }))).toEqual(
    Array.from({ length: 3 }, () => 'UNKNOWN_REFERENCE /tasks/1/arguments/x'),
  )
  expect(brief(issuesOf({ tasks: [a], finally: [{ ...b, arguments: { x } }] }))).toHaveLength(3)
  expect(ofTasks(a, { ...b, runOn: 'failure', arguments: { x: '$STATUS[b]' } })[0]?.code).toBe('SELF_DEPENDENCY')
})
