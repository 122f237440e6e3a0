import type { ElicitRequest, ElicitResult } from '@modelcontextprotocol/sdk/types.js'
import { expect, test } from 'vitest'
import type { QuestionOptions, Tool } from '../../src/index.ts'
import { ONE_TASK } from '../http/handler/handler-rig.ts'
import { mcpRig } from './mcp-rig.ts'

/** A tool whose output is the answer of a person. */
const asking = (question: QuestionOptions): { readonly tools: Tool[] } => ({
  tools: [{ name: 'work', execute: (_, { ask }) => ask(question) }],
})

const FIELD = { type: 'integer', minimum: 1 } as const

const SCHEMA = { type: 'object', properties: { name: { type: 'string', pattern: '^A' } }, required: ['name'] } as const

test.each<[string, QuestionOptions, object, ElicitResult['content'], unknown]>([
  ['a field', { message: 'How many?', schema: FIELD }, { answer: FIELD }, { answer: 3 }, 3],
  ['text without a schema', { message: 'Who?' }, { answer: { type: 'string' } }, { answer: 'Ada' }, 'Ada'],
  [
    'several fields, without keywords that hosts refuse',
    { message: 'Who?', schema: SCHEMA },
    { name: { type: 'string' } },
    { name: 'Ada' },
    { name: 'Ada' },
  ],
  [
    'a choice',
    { message: 'Which?', schema: { enum: ['a', 'b'] } },
    { answer: { type: 'string', enum: ['a', 'b'] } },
    { answer: 'b' },
    'b',
  ],
])('a question is asked by elicitation: %s', async (_, question, properties, content, output) => {
  const seen: ElicitRequest['params'][] = []
  const { connect } = mcpRig(asking(question))
  const { call } = await connect({
    onElicit(params) {
      seen.push(params)
      return { action: 'accept', content: content ?? {} }
    },
  })
  const { structured } = await call('run_workflow', { workflow: { ...ONE_TASK, output: '$OUTPUT[a]' } })
  expect(structured).toEqual({ executionId: 'x1', status: 'success', output })
  expect(seen).toEqual([
    expect.objectContaining({
      message: question.message,
      requestedSchema: expect.objectContaining({ type: 'object', properties }),
    }),
  ])
})

test('an approval is a form with a check box, and a declined question fails its task', async () => {
  const rig = mcpRig()
  const answers: ElicitResult[] = [{ action: 'accept', content: { answer: true } }, { action: 'decline' }]
  const { call } = await rig.connect({ onElicit: () => answers.shift() as ElicitResult })
  const workflow = { tasks: [{ id: 'a', tool: 'work', approve: { message: 'Go?' } }] }
  const approved = call('run_workflow', { workflow })
  ;(await rig.tool.nextCall('a')).succeed(1)
  expect((await approved).structured).toMatchObject({ status: 'success' })
  const declined = await call('run_workflow', { workflow })
  expect(declined.structured).toMatchObject({ status: 'error', errors: [{ taskId: 'a', code: 'INPUT_DECLINED' }] })
})

test('without elicitation a call answers at once with the open question, which `answer_input` answers', async () => {
  const { connect } = mcpRig(asking({ message: 'How many?', schema: FIELD }))
  const { call } = await connect()
  const { structured } = await call('run_workflow', { workflow: { ...ONE_TASK, output: '$OUTPUT[a]' } })
  expect(structured).toEqual({
    executionId: 'x1',
    status: 'running',
    inputs: [{ taskId: 'a', inputId: 'a.1', message: 'How many?', responseSchema: FIELD, kind: 'question' }],
  })
  const wrong = await call('answer_input', { executionId: 'x1', inputId: 'a.1', response: 0 })
  expect([wrong.structured, wrong.isError]).toEqual([
    expect.objectContaining({
      executionId: 'x1',
      status: 'running',
      error: expect.objectContaining({ code: 'INVALID_RESPONSE', issueCount: 1 }),
    }),
    true,
  ])
  const answered = await call('answer_input', { executionId: 'x1', inputId: 'a.1', response: 5, waitMs: 50_000 })
  expect(answered.structured).toEqual({ executionId: 'x1', status: 'success', output: 5 })
})

test.each<[string, QuestionOptions]>([
  ['a secret', { message: 'Password?', secret: true }],
  ['a nested answer', { message: 'Which?', schema: { type: 'array', items: { type: 'string' } } }],
])('%s is not asked for in a form: the question stays open', async (_, question) => {
  const { connect } = mcpRig(asking(question))
  const { call } = await connect({ onElicit: () => Promise.reject(new Error('not asked')) })
  const { structured } = await call('run_workflow', { workflow: ONE_TASK })
  expect(structured).toMatchObject({ status: 'running', inputs: [{ inputId: 'a.1' }] })
})

test('a question that the person dismisses stays open, and so does one whose answer does not fit', async () => {
  const answers: ElicitResult[] = [{ action: 'cancel' }, { action: 'accept', content: { answer: 0 } }]
  const { connect } = mcpRig(asking({ message: 'How many?', schema: FIELD }))
  const { call } = await connect({ onElicit: () => answers.shift() as ElicitResult })
  for (const executionId of ['x1', 'x2']) {
    const { structured } = await call('run_workflow', { workflow: ONE_TASK })
    expect(structured).toMatchObject({ executionId, status: 'running', inputs: [{ inputId: 'a.1' }] })
  }
})

test('a question that is answered elsewhere is withdrawn from the host, and the call goes on', async () => {
  let asked = (): void => {}
  const isAsked = new Promise<void>(resolve => (asked = resolve))
  const rig = mcpRig(asking({ message: 'How many?', schema: FIELD }))
  const { call } = await rig.connect({
    onElicit() {
      asked()
      return new Promise(() => {})
    },
  })
  const answer = call('run_workflow', { workflow: { ...ONE_TASK, output: '$OUTPUT[a]' } })
  await isAsked
  const response = await rig.send('POST', '/executions/x1/inputs/a.1', { body: { response: 7 } })
  expect([response.status, (await answer).structured]).toEqual([
    204,
    { executionId: 'x1', status: 'success', output: 7 },
  ])
})
