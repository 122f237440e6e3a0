import { expect, test } from 'vitest'
import { JsonValue } from '../../src/events/json-value.ts'
import { compileWorkflow, validateWorkflow } from '../../src/plan/compile.ts'
import { ToolRegistry } from '../../src/tools/registry.ts'
import { checkDocument } from '../../src/workflow/check-document.ts'
import type { CheckedDocument } from '../../src/workflow/checked-document.ts'
import type { WorkflowIssue } from '../../src/workflow/document.ts'
import { IssueList } from '../../src/workflow/issues.ts'
import { checkInput } from '../../src/workflow/workflow-input.ts'

const tools = new ToolRegistry([
  { name: 'noop', execute: () => null },
  {
    name: 'page',
    inputSchema: {
      type: 'object',
      properties: { url: { type: 'string' }, count: { type: 'integer' } },
      required: ['url'],
      additionalProperties: false,
    },
    execute: () => null,
  },
])

function check(document: unknown): CheckedDocument & { issues: readonly WorkflowIssue[]; count: number } {
  const list = new IssueList()
  const checked = checkDocument(document, tools, list)
  return { ...checked, issues: list.issues, count: list.count }
}

const issuesOf = (...tasks: unknown[]): readonly WorkflowIssue[] => check({ tasks }).issues
const brief = (issues: readonly WorkflowIssue[]): string[] => issues.map(({ code, pointer }) => `${code} ${pointer}`)
const a = { id: 'a', tool: 'noop' }

test('an empty workflow is legal', () => {
  expect(check({ tasks: [] })).toMatchObject({ tasks: [], nodes: [], issues: [], count: 0, usesLanguage: false })
})

test('a valid document becomes its tasks, with listed and referenced dependencies, unique and ascending', () => {
  const { issues, name, tasks } = check({
    name: 'brief',
    description: 'd',
    tasks: [
      { ...a, name: 'first', description: 'd' },
      { id: 'b', tool: 'noop', depends_on: ['a'], arguments: undefined, estimatedMs: 3 },
      {
        id: 'c',
        tool: 'page',
        dependsOn: ['b', 'a', 'b'],
        arguments: { url: 'x $OUTPUT[b] $OUTPUT[d].x $INPUT.y' },
        timeoutMs: 0,
        retry: { maxAttempts: 3, jitter: 0 },
      },
      { id: 'd', tool: 'noop', estimatedMs: 0 },
    ],
  })
  expect(issues).toEqual([])
  expect(name).toBe('brief')
  const noop = tools.get('noop')
  const empty = { kind: 'object', keys: [], members: [] }
  expect(tasks).toEqual([
    {
      index: 0,
      id: 'a',
      tool: noop,
      arguments: empty,
      dependencies: [],
      inputReferences: [],
      estimatedMs: 1,
      name: 'first',
    },
    { index: 1, id: 'b', tool: noop, arguments: empty, dependencies: [0], inputReferences: [], estimatedMs: 3 },
    {
      index: 2,
      id: 'c',
      tool: tools.get('page'),
      arguments: expect.anything(),
      dependencies: [0, 1, 3],
      inputReferences: [
        {
          pointer: '/tasks/2/arguments/url',
          reference: { source: 'input', path: ['y'], text: '$INPUT.y' },
          behind: '',
        },
      ],
      timeoutMs: 0,
      retry: { maxAttempts: 3, jitter: 0 },
      estimatedMs: 1,
    },
    { index: 3, id: 'd', tool: noop, arguments: empty, dependencies: [], inputReferences: [], estimatedMs: 0 },
  ])
})

test('a document that is not an object, or has no tasks, is reported at its root', () => {
  for (const document of [undefined, null, 3, 'x', [], () => {}, Symbol('x'), 1n]) {
    expect(brief(check(document).issues)).toEqual(['INVALID_SHAPE '])
  }
  expect(check({}).issues).toEqual([{ code: 'INVALID_SHAPE', pointer: '', message: 'Missing field `tasks`' }])
  expect(brief(check({ tasks: {} }).issues)).toEqual(['INVALID_SHAPE /tasks'])
})

test('every fault of shape is reported at the faulty value, a missing field at its object', () => {
  expect(
    brief(
      issuesOf(
        3,
        {},
        { ...a, dependsOn: 'a', timeoutMs: -1, estimatedMs: Number.NaN, name: 'x'.repeat(201) },
        { id: 'b', tool: '', dependsOn: [1], retry: { maxAttempts: 1.5, factor: 0, jitter: 2, delay: 1 } },
        { id: 'c', tool: 'noop', arguments: [], description: 1 },
        { id: 'a[b]', tool: 'noop' },
        { id: 'a\n', tool: 'a\u0001' },
        { id: '\ud800', tool: 'noop', timeoutMs: Number.POSITIVE_INFINITY },
      ),
    ),
  ).toEqual([
    'INVALID_SHAPE /tasks/0',
    'INVALID_SHAPE /tasks/1',
    'INVALID_SHAPE /tasks/1',
    'INVALID_SHAPE /tasks/2/dependsOn',
    'INVALID_SHAPE /tasks/2/timeoutMs',
    'INVALID_SHAPE /tasks/2/estimatedMs',
    'INVALID_SHAPE /tasks/2/name',
    'INVALID_SHAPE /tasks/3/tool',
    'INVALID_SHAPE /tasks/3/dependsOn/0',
    'INVALID_SHAPE /tasks/3/retry/maxAttempts',
    'INVALID_SHAPE /tasks/3/retry/factor',
    'INVALID_SHAPE /tasks/3/retry/jitter',
    'INVALID_SHAPE /tasks/3/retry/delay',
    'INVALID_SHAPE /tasks/4/arguments',
    'INVALID_SHAPE /tasks/4/description',
    'INVALID_SHAPE /tasks/5/id',
    'INVALID_SHAPE /tasks/6/id',
    'INVALID_SHAPE /tasks/6/tool',
    'INVALID_SHAPE /tasks/7/id',
    'INVALID_SHAPE /tasks/7/timeoutMs',
  ])
})

test('messages name the expected and the found value, cut at 40 characters', () => {
  expect(issuesOf({ ...a, timeoutMs: 'soon' })).toEqual([
    {
      code: 'INVALID_SHAPE',
      pointer: '/tasks/0/timeoutMs',
      message: 'Expected `timeoutMs` to be a finite number ≥ 0, got `"soon"` (string)',
    },
  ])
  const [issue] = issuesOf({ id: 'x'.repeat(10_000_000), tool: 'noop' })
  expect(issue?.message.length).toBeLessThan(200)
})

test('an unknown field is reported at itself, with the likely field or the list of fields', () => {
  expect(issuesOf({ ...a, dependson: [] })).toEqual([
    {
      code: 'INVALID_SHAPE',
      pointer: '/tasks/0/dependson',
      message: 'Unknown field `dependson`',
      hint: 'Did you mean `dependsOn`?',
    },
  ])
  expect(check({ tasks: [], 'a/~b': 1 }).issues).toEqual([
    {
      code: 'INVALID_SHAPE',
      pointer: '/a~1~0b',
      message: 'Unknown field `a/~b`',
      hint: 'The accepted fields are `name`, `description`, `tasks`, `finally`, `finallyTimeoutMs`, `inputSchema`, `output`',
    },
  ])
})

test('the words of other workflow languages have a hint with the field that they mean', () => {
  const meant = {
    if: 'when',
    condition: 'when',
    needs: 'dependsOn',
    args: 'arguments',
    inputs: 'arguments',
    matrix: 'forEach',
    'with-items': 'forEach',
    loop: 'forEach',
    FOR_EACH: 'forEach',
    continue_on_error: 'optional',
    retries: 'retry',
    until: 'repeat',
    trigger_rule: 'runOn',
  }
  for (const [word, field] of Object.entries(meant)) {
    expect(issuesOf({ ...a, [word]: 1 })[0]?.hint, word).toBe(`Did you mean \`${field}\`?`)
  }
  expect(check({ TASKS: [] }).issues?.[0]?.hint).toBe('Did you mean `tasks`?')
  expect(check({ steps: [] }).issues?.[0]?.hint).toBe('Did you mean `tasks`?')
  expect(check({ tasks: [], inputs: {} }).issues?.[0]?.hint).toBe('Did you mean `inputSchema`?')
  expect(issuesOf({ ...a, repeat: { maxTimes: 1, times: 3 } })[0]?.hint).toBe('Did you mean `maxTimes`?')
})

test('the hint for an unknown field of a task lists every field', () => {
  const hint = issuesOf({ ...a, zzzzzzzz: 1 })[0]?.hint
  for (const field of ['id', 'when', 'runOn', 'forEach', 'repeat', 'workflow', 'tolerate'])
    expect(hint).toContain(field)
})

test('another id of one letter is no suggestion for a task of one letter', () => {
  expect(issuesOf(a, { ...a, id: 'b', dependsOn: ['x'] })[0]?.hint).toBe('The tasks are `a`, `b`')
})

test('`dependsOn` and `depends_on` exclude each other', () => {
  expect(issuesOf({ ...a, dependsOn: [], depends_on: [] })).toEqual([
    {
      code: 'INVALID_SHAPE',
      pointer: '/tasks/0',
      message: 'Expected one of `dependsOn` and `depends_on`, got both',
      hint: 'Keep `dependsOn`',
    },
  ])
})

test('a duplicate id is reported at the later task', () => {
  expect(brief(issuesOf(a, { id: 'b', tool: 'noop' }, a, a))).toEqual([
    'DUPLICATE_TASK_ID /tasks/2/id',
    'DUPLICATE_TASK_ID /tasks/3/id',
  ])
})

test('unknown, self and misspelt dependencies are reported apart, in the field as it was sent', () => {
  expect(
    issuesOf(
      { id: 'alpha', tool: 'noop', dependsOn: ['alpha'] },
      { id: 'b', tool: 'noop', depends_on: ['alpha', 'alhpa'] },
      { id: 'c', tool: 'nop', arguments: { x: ['$OUTPUT[c]', 'y ${OUTPUT[zzzzzzzzz]}'] } },
    ),
  ).toEqual([
    { code: 'SELF_DEPENDENCY', pointer: '/tasks/0/dependsOn/0', message: 'The task `alpha` depends on itself' },
    {
      code: 'UNKNOWN_DEPENDENCY',
      pointer: '/tasks/1/depends_on/1',
      message: 'There is no task `alhpa`',
      hint: 'Did you mean `alpha`?',
    },
    { code: 'UNKNOWN_TOOL', pointer: '/tasks/2/tool', message: 'There is no tool `nop`', hint: 'Did you mean `noop`?' },
    { code: 'SELF_DEPENDENCY', pointer: '/tasks/2/arguments/x/0', message: 'The task `c` depends on itself' },
    {
      code: 'UNKNOWN_REFERENCE',
      pointer: '/tasks/2/arguments/x/1',
      message: 'There is no task `zzzzzzzzz`',
      hint: 'The tasks are `alpha`, `b`, `c`',
    },
  ])
})

test('a reference that does not parse is reported at its string', () => {
  expect(brief(issuesOf({ ...a, arguments: { 'x/y': [{ z: '${INPUT.}' }] } }))).toEqual([
    'INVALID_REFERENCE /tasks/0/arguments/x~1y/0/z',
  ])
})

test('arguments are checked against the tool, what references decide set aside', () => {
  expect(
    brief(
      issuesOf(
        { id: 'a', tool: 'page' },
        { id: 'b', tool: 'page', arguments: {} },
        { id: 'c', tool: 'page', arguments: { url: 1, extra: '$INPUT' } },
        { id: 'd', tool: 'page', arguments: { count: '$OUTPUT[a]' } },
        { id: 'e', tool: 'page', arguments: { url: 'x', count: '$OUTPUT[a]' } },
        { id: 'f', tool: 'page', arguments: { url: '$$INPUT', count: '1 $INPUT' } },
      ),
    ),
  ).toEqual([
    'INVALID_ARGUMENTS /tasks/0',
    'INVALID_ARGUMENTS /tasks/1/arguments',
    'INVALID_ARGUMENTS /tasks/2/arguments/url',
    'INVALID_ARGUMENTS /tasks/2/arguments/extra',
    'INVALID_ARGUMENTS /tasks/3/arguments',
  ])
})

test('the graph is built from every task with an id, whatever its other faults', () => {
  const { nodes, tasks, count } = check({
    tasks: [
      { id: 'a', tool: 'nope', dependsOn: ['b', 'a', 'zz'] },
      { id: 'b', tool: 'noop', timeoutMs: -1, arguments: { x: 1n, y: '$OUTPUT[a]' } },
      { id: '', tool: 'noop', dependsOn: ['a'] },
      { id: 'a', tool: 'noop', dependsOn: ['b'] },
      { id: 'c', tool: 'noop', dependsOn: ['a'] },
    ],
  })
  expect(nodes).toMatchObject([
    { index: 0, id: 'a', dependencies: [1] },
    { index: 1, id: 'b', dependencies: [0] },
    { index: 4, id: 'c', dependencies: [0] },
  ])
  expect(tasks.map(task => task.id)).toEqual(['c'])
  expect(count).toBe(7)
})

test('a missing path of the input is reported at its string', () => {
  const { tasks } = check({ tasks: [{ ...a, arguments: { x: '$INPUT.a', y: ['z $INPUT.b.c'] } }] })
  const found = (input: JsonValue | undefined): readonly WorkflowIssue[] => {
    const list = new IssueList()
    checkInput({ inputReferences: tasks[0]?.inputReferences ?? [] }, input, list)
    return list.issues
  }
  expect(found(JsonValue.from({ a: null, b: { c: 1 } }))).toEqual([])
  expect(found(JsonValue.from({ a: 1, b: { d: 1 } }))).toEqual([
    {
      code: 'UNKNOWN_REFERENCE',
      pointer: '/tasks/0/arguments/y/0',
      message: '`$INPUT.b.c` has no `c`: there are `d`',
    },
  ])
  expect(brief(found(undefined))).toEqual([
    'UNKNOWN_REFERENCE /tasks/0/arguments/x',
    'UNKNOWN_REFERENCE /tasks/0/arguments/y/0',
  ])
})

test('a name of the input that is the beginning of a key has a hint', () => {
  const { tasks } = check({
    tasks: [{ ...a, arguments: { x: 'type $INPUT.content-type', y: '${INPUT.content}-type' } }],
  })
  const list = new IssueList()
  checkInput(
    { inputReferences: tasks[0]?.inputReferences ?? [] },
    JsonValue.from({ 'content-type': 'text/html' }),
    list,
  )
  const missing = (text: string): string => `\`${text}\` has no \`content\`: there are \`content-type\``
  expect(list.issues).toEqual([
    {
      code: 'UNKNOWN_REFERENCE',
      pointer: '/tasks/0/arguments/x',
      message: missing('$INPUT.content'),
      hint: 'For the key `content-type` write `["content-type"]`',
    },
    { code: 'UNKNOWN_REFERENCE', pointer: '/tasks/0/arguments/y', message: missing('${INPUT.content}') },
  ])
})

test('a reference that does not parse is reported with the right form', () => {
  expect(check({ tasks: [{ ...a, arguments: { x: ["$INPUT.headers['etag']", '${INPUT_BRANCH}'] } }] }).issues).toEqual([
    {
      code: 'INVALID_REFERENCE',
      pointer: '/tasks/0/arguments/x/0',
      message: 'Expected `.name`, `[0]` or `["key"]` behind `$INPUT.headers`, got `[\'etag\']`',
      hint: 'Write `$INPUT.headers["etag"]`; for text, `${INPUT.headers}[\'etag\']`',
    },
  ])
})

test('at most 100 issues are kept and all are counted', () => {
  const { issues, count } = check({ tasks: Array.from({ length: 5000 }, () => ({ ...a, tool: 'nope', extra: 1 })) })
  expect(issues).toHaveLength(100)
  expect(count).toBe(5000 * 2 + 4999)
})

test.each(['.', '..'])('the id %j is refused: no URL can have it as a step of its path', id => {
  expect(issuesOf({ id, tool: 'noop' })).toEqual([
    {
      code: 'INVALID_SHAPE',
      pointer: '/tasks/0/id',
      message: `Expected \`id\` to be a string of 1–200 characters, no control character, \`[\` or \`]\`, and neither \`.\` nor \`..\`, got \`"${id}"\` (string)`,
      hint: "An id is a step of the path to the task's output: `.` and `..` would lead elsewhere",
    },
  ])
})

test('every other id has an output path that URL parsers keep', () => {
  const ids = [
    '...',
    '.a',
    'a.',
    '..a',
    'a..',
    '. ',
    ' .',
    '%2e',
    '%2E%2e',
    '.%2e',
    '/',
    '\\',
    '?',
    '#',
    'é',
    '😀',
    '😀😀',
    'x'.repeat(200),
  ]
  expect(issuesOf(...ids.map(id => ({ id, tool: 'noop' })))).toEqual([])
  for (const id of ids) {
    const path = `/executions/x/tasks/${encodeURIComponent(id)}/output`
    expect(new URL(path, 'http://server.test').pathname).toBe(path)
  }
  for (const id of ['', '[', 'a\n', '\ud800', 'x'.repeat(201), '😀'.repeat(201)]) {
    expect(issuesOf({ id, tool: 'noop' })).toMatchObject([{ code: 'INVALID_SHAPE', pointer: '/tasks/0/id' }])
  }
})

test('`$schema` names the schema, and changes nothing', () => {
  const tasks = [{ id: 'a', tool: 'echo' }]
  const tools = { echo: () => null }
  expect(compileWorkflow({ $schema: './workflow.schema.json', tasks }, tools).describe()).toEqual(
    compileWorkflow({ tasks }, tools).describe(),
  )
  expect(validateWorkflow({ $schema: 1, tasks }, tools).issues).toEqual([
    { code: 'INVALID_SHAPE', pointer: '/$schema', message: 'Expected `$schema` to be a string, got `1` (number)' },
  ])
})
