import { expect, test } from 'vitest'
import { compileWorkflow, validateWorkflow } from '../../src/plan/compile.ts'
import { prepareExecution } from './prepare-execution.ts'
import { parseJson } from '../../src/json/parse-json.ts'
import { stringifyJson } from '../../src/json/stringify-json.ts'
import { locateIssues } from '../../src/workflow/locate-issues.ts'
import type { DAGStructure, WorkflowIssue } from '../../src/workflow/document.ts'

const tools = { noop: () => null }
const inputSchema = {
  type: 'object',
  required: ['repo'],
  properties: { repo: { type: 'string' }, depth: { type: 'integer', maximum: 5 }, who: { type: 'object' } },
  additionalProperties: false,
}
const document: DAGStructure = {
  inputSchema,
  tasks: [{ id: 'a', tool: 'noop', arguments: { repo: '$INPUT.repo', who: '$INPUT.who.name', odd: '$INPUT.odd' } }],
}
const validate = (input: unknown): readonly WorkflowIssue[] => validateWorkflow(document, tools, { input }).issues
const brief = (issues: readonly WorkflowIssue[]): string[] => issues.map(({ code, pointer }) => `${code} ${pointer}`)

test('an input that does not match is reported with a pointer into the input', () => {
  const [issue] = validate({ repo: 3, who: { name: 'x' } })
  expect(issue).toEqual({
    code: 'INVALID_INPUT',
    pointer: '/repo',
    message: 'Expected string, got `3` (number)',
    in: 'input',
  })
})

test('what `INVALID_INPUT` reports is not reported again as an unknown reference', () => {
  expect(brief(validate({}))).toEqual([
    'INVALID_INPUT ',
    'UNKNOWN_REFERENCE /tasks/0/arguments/who',
    'UNKNOWN_REFERENCE /tasks/0/arguments/odd',
  ])
  expect(brief(validate({ repo: 'x', who: 'me' }))).toEqual([
    'INVALID_INPUT /who',
    'UNKNOWN_REFERENCE /tasks/0/arguments/odd',
  ])
  expect(brief(validate(3))).toEqual(['INVALID_INPUT '])
  expect(brief(validate({ repo: 'x', who: { name: 1 }, odd: 1 }))).toEqual(['INVALID_INPUT /odd'])
})

test('a key that is missing in one place does not affect the same key in another', () => {
  const nested: DAGStructure = {
    inputSchema: { properties: { who: { type: 'object', required: ['name'] } } },
    tasks: [{ id: 'a', tool: 'noop', arguments: { x: '$INPUT.name', y: '$INPUT.who.name', z: '$INPUT.who.age' } }],
  }
  expect(brief(validateWorkflow(nested, tools, { input: { who: {} } }).issues)).toEqual([
    'INVALID_INPUT /who',
    'UNKNOWN_REFERENCE /tasks/0/arguments/x',
    'UNKNOWN_REFERENCE /tasks/0/arguments/z',
  ])
})

test('a fault of the input has no line in the text of the workflow', () => {
  const text = JSON.stringify({ ...document, name: 3 })
  const { issues } = validateWorkflow(JSON.parse(text), tools, { input: { repo: 1 } })
  expect(locateIssues(issues, { text }).map(({ code, line }) => [code, line])).toEqual([
    ['INVALID_SHAPE', 1],
    ['INVALID_INPUT', undefined],
    ['UNKNOWN_REFERENCE', 1],
    ['UNKNOWN_REFERENCE', 1],
  ])
})

test('without an input, its absence is reported where a part of it is required', () => {
  const simple: DAGStructure = { inputSchema, tasks: [{ id: 'a', tool: 'noop', arguments: { x: '$INPUT.repo' } }] }
  expect(() => prepareExecution(simple, tools, undefined)).toThrow('INVALID_INPUT at ``: Missing `repo`')
  const free: DAGStructure = { inputSchema: { type: 'object', properties: {} }, tasks: [] }
  expect(prepareExecution(free, tools, undefined).input).toBe(undefined)
})

test('a plan checks the input of each execution', () => {
  const plan = compileWorkflow({ inputSchema, tasks: [] }, tools)
  expect(plan.checkInput({ repo: 'x' })).toEqual([])
  expect(plan.checkInput({ repo: 'x', y: 1 })).toMatchObject([{ pointer: '/y', message: 'Unknown field `y`' }])
  expect(() => prepareExecution(plan, tools, { repo: 1 })).toThrow('INVALID_INPUT at `/repo`')
  expect(brief(validateWorkflow(plan, tools, { input: { depth: 9 } }).issues)).toEqual([
    'INVALID_INPUT ',
    'INVALID_INPUT /depth',
  ])
  expect(compileWorkflow({ tasks: [] }, tools).checkInput('anything')).toEqual([])
})

test('numbers beyond the precision of doubles fit as numbers', () => {
  const plan = compileWorkflow({ inputSchema: { properties: { n: { type: 'integer' } } }, tasks: [] }, tools)
  expect(plan.checkInput(parseJson('{"n": 9007199254740993}'))).toEqual([])
  expect(plan.checkInput(parseJson('{"n": 1e-400}'))).toEqual([])
})

test('numbers of a schema beyond the precision of doubles are bounds like others', () => {
  const document = parseJson('{"tasks":[],"inputSchema":{"maximum":90071992547409930001}}') as DAGStructure
  const plan = compileWorkflow(document, tools)
  expect(plan.checkInput(1e19)).toEqual([])
  expect(plan.checkInput(1e21)).toHaveLength(1)
  expect(stringifyJson(plan.describe())).toContain('"maximum":90071992547409930001')
})

test('a plan keeps a copy of the schema', () => {
  const schema = { type: 'object' }
  const plan = compileWorkflow({ tasks: [], inputSchema: schema }, tools)
  schema.type = 'string'
  expect(plan.checkInput({})).toEqual([])
  expect(plan.describe().inputSchema).toEqual({ type: 'object' })
})

test('a schema that is unusable is a fault of shape', () => {
  const schemas = [{ type: 'strng' }, { $ref: '#/nowhere' }, { properties: { x: { pattern: '(' } } }]
  for (const inputSchema of schemas) {
    const [issue] = validateWorkflow({ inputSchema, tasks: [] }, tools).issues
    expect(issue).toMatchObject({ code: 'INVALID_SHAPE', pointer: '/inputSchema' })
    expect(issue?.message).toMatch(/^Expected `inputSchema` to be a usable JSON Schema: /)
  }
  const cyclic: Record<string, unknown> = {}
  cyclic['not'] = cyclic
  expect(brief(validateWorkflow({ inputSchema: cyclic, tasks: [] }, tools).issues)).toEqual([
    'INVALID_SHAPE /inputSchema',
  ])
})

test('literal arguments of a workflow are checked by its schema, the rest is not', () => {
  const of = (given: object): string[] =>
    brief(validateWorkflow({ tasks: [{ id: 'a', workflow: { inputSchema, tasks: [] }, ...given }] }, tools).issues)
  expect(of({ arguments: { repo: '$INPUT.x' } })).toEqual([])
  expect(of({ arguments: { repo: 3 } })).toEqual(['INVALID_ARGUMENTS /tasks/0/arguments/repo'])
  expect(of({ arguments: { repo: '$INPUT.x', y: '$INPUT.x' } })).toEqual(['INVALID_ARGUMENTS /tasks/0/arguments/y'])
  expect(of({})).toEqual(['INVALID_ARGUMENTS /tasks/0'])
  expect(of({ arguments: { repo: '$ITEM' }, forEach: [1] })).toEqual([])
  const workflows = { w: { inputSchema, tasks: [] } }
  const named = { tasks: [{ id: 'a', workflow: 'w', arguments: { depth: 9 } }] }
  expect(brief(validateWorkflow(named, tools, { workflows }).issues)).toEqual([
    'INVALID_ARGUMENTS /tasks/0/arguments',
    'INVALID_ARGUMENTS /tasks/0/arguments/depth',
  ])
})

test('references into the input of a nested workflow are left to the execution', () => {
  const nested = { tasks: [{ id: 'x', tool: 'noop', arguments: { y: '$INPUT.deep' } }] }
  expect(prepareExecution({ tasks: [{ id: 'a', workflow: nested }] }, tools, undefined).plan.inputReferences).toEqual(
    [],
  )
})

test('the output may refer to the input, and that is checked before anything starts', () => {
  const withOutput: DAGStructure = { tasks: [], output: { x: '$INPUT.x' } }
  expect(brief(validateWorkflow(withOutput, tools, { input: {} }).issues)).toEqual(['UNKNOWN_REFERENCE /output/x'])
})
