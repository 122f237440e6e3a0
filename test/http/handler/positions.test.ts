import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../../src/index.ts'
import { handlerRig, readProblem } from './handler-rig.ts'

const typed = defineTool({ name: 'typed', inputSchema: z.strictObject({ n: z.number().optional() }), execute: () => 1 })

const WORKFLOW = `{"nmae": 1,
 "tasks": [{"id": "a", "tool": "typed", "arguments": {"n": "x",
  "m": 1}}, {"id": "b", "tool": "😀", "dependsOn": ["b", "x"]}]}`

/** Positions in the workflow alone. */
const ISSUES = [
  { pointer: '/nmae', line: 1, column: 2 },
  { pointer: '/tasks/0/arguments/n', line: 2, column: 60 },
  { pointer: '/tasks/0/arguments/m', line: 3, column: 3 },
  { pointer: '/tasks/1/tool', line: 3, column: 33 },
  { pointer: '/tasks/1/dependsOn/0', line: 3, column: 53 },
  { pointer: '/tasks/1/dependsOn/1', line: 3, column: 58 },
]

test.each([
  ['a workflow by itself', WORKFLOW, 0],
  ['a workflow beside its input', `{"workflow":${WORKFLOW}, "input": 1}`, 12],
])('issues of %s have their line and column in the body', async (_, body, shift) => {
  const { create, send } = handlerRig({ tools: [typed] })
  const issues = ISSUES.map(each => ({ ...each, column: each.column + (each.line === 1 ? shift : 0) }))
  const problem = await readProblem(await create(body))
  expect(problem).toMatchObject({ status: 422, issueCount: 6, issues })
  const report = await (await send('POST', '/workflows/validate', { body })).json()
  expect(report).toEqual({ valid: false, issueCount: 6, issues: problem['issues'] })
})

test('an issue of the input has the position of the reference', async () => {
  const { create } = handlerRig({ tools: [typed] })
  const body = '{"input": {},\n"workflow": {"tasks": [{"id": "a", "tool": "typed", "arguments": {"n":\n"$INPUT.x"}}]}}'
  const issues = [{ code: 'UNKNOWN_REFERENCE', pointer: '/tasks/0/arguments/n', line: 3, column: 1 }]
  expect(await readProblem(await create(body))).toMatchObject({ status: 422, issues })
})

test('requests under one idempotency key have the same positions', async () => {
  const { create } = handlerRig({ tools: [typed] })
  const answers = await Promise.all(
    ['a', 'a'].map(async key => readProblem(await create(WORKFLOW, { 'Idempotency-Key': key }))),
  )
  expect(answers).toMatchObject([{ issues: ISSUES }, { issues: ISSUES }])
})

test.each([
  ['{"tasks": [,]}', 1, 12],
  ['{\n"tasks": [', 2, 11],
  ['', 1, 1],
])('a body that is not JSON is refused with the position of its first error: %j', async (body, line, column) => {
  const { create } = handlerRig({ tools: [typed] })
  const detail = `Expected the body to be JSON: it is not at line ${line}, column ${column}`
  expect(await readProblem(await create(body))).toMatchObject({ status: 400, detail })
})

test('fenced JSON is refused with the hint to leave out the fence', async () => {
  const { create } = handlerRig({ tools: [typed] })
  const detail = 'Expected the body to be JSON: it is not at line 1, column 1. Leave out the fence around it'
  expect(await readProblem(await create('```json\n{"tasks": []}\n```'))).toMatchObject({ status: 400, detail })
})
