import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type Execution, humanAskTool, type InputQuestion, StreamingExecutor, type Tool } from '../../../src/index.ts'
import { createSessions, listen } from './http-rig.ts'
import { serve } from './mcp-rig.ts'
// @ts-expect-error -- a program of JavaScript
import { createElicitingServer } from '../../../fixtures/mcp/eliciting-server.mjs'

const SERVER = fileURLToPath(new URL('../../../fixtures/mcp/eliciting-server.mjs', import.meta.url))
const PROCESS = { command: process.execPath, args: [SERVER, 'stdio'] }

/** Runs one call and gives its questions to a person. */
async function ask(
  tools: Tool[],
  tool: string,
  answer: (input: InputQuestion, execution: Execution) => Promise<void>,
): Promise<unknown> {
  const execution = new StreamingExecutor(tools).stream({ tasks: [{ id: 'a', tool }] })
  for await (const { type, data } of execution) if (type === 'input_required') await answer(data, execution)
  const [task] = (await execution.result).results
  return (task?.output as { answers?: unknown })?.answers ?? task
}

test.each(['a process', 'HTTP'] as const)(
  'an elicitation of %s is a question, and its answer goes back',
  async kind => {
    const { handle } = createSessions({}, createElicitingServer as () => never)
    const { url } = await listen(handle)
    const tools = await serve({ x: kind === 'HTTP' ? { url } : PROCESS }).tools()
    const questions: InputQuestion[] = []
    const answers = await ask([...tools], 'x:pay', async (input, execution) => {
      questions.push(input)
      await expect(execution.answer(input.inputId, { sum: 0 })).rejects.toMatchObject({ code: 'INVALID_RESPONSE' })
      await execution.answer(input.inputId, { sum: 5, to: 'Ada' })
    })
    expect(answers).toEqual([{ action: 'accept', content: { sum: 5, to: 'Ada' } }])
    expect(questions).toMatchObject([{ inputId: 'a.1', message: 'Pay how much? 0', kind: 'question' }])
    expect(questions[0]?.responseSchema).toMatchObject({ required: ['sum'] })
  },
)

test('several elicitations of one call are questions one after the other, and a declined one is declined', async () => {
  const tools = await serve({ x: PROCESS }).tools()
  const answers = await ask([...tools], 'x:twice', (input, execution) =>
    input.inputId === 'a.1' ? execution.answer(input.inputId, { sum: 1 }) : execution.decline(input.inputId),
  )
  expect(answers).toEqual([{ action: 'accept', content: { sum: 1 } }, { action: 'decline' }])
})

test('an elicitation by URL is declined without a question', async () => {
  const tools = await serve({ x: PROCESS }).tools()
  const answers = await ask([...tools], 'x:open', () => Promise.reject(new Error('Expected no question')))
  expect(answers).toEqual([{ action: 'decline' }])
})

test('an elicitation that nobody can answer is cancelled', async () => {
  const tools = await serve({ x: PROCESS }).tools()
  const execution = new StreamingExecutor([...tools]).stream(
    { tasks: [{ id: 'a', tool: 'x:pay' }] },
    { isAttended: false },
  )
  const [task] = (await execution.result).results
  expect(task?.output).toEqual({ answers: [{ action: 'cancel' }] })
})

test('the time limit of a call with `resetTimeoutOnProgress` stands still while a person is asked', async () => {
  const tools = await serve({ x: { ...PROCESS, timeoutMs: 300, resetTimeoutOnProgress: true } }).tools()
  const answers = await ask([...tools], 'x:pay', async (input, execution) => {
    await new Promise(resolve => setTimeout(resolve, 600))
    await execution.answer(input.inputId, { sum: 2 })
  })
  expect(answers).toEqual([{ action: 'accept', content: { sum: 2 } }])
})

test('calls that run at once ask for themselves, and each goes on with its own answer', async () => {
  const tools = await serve({ x: { ...PROCESS, concurrency: 3 } }).tools()
  const tasks = ['a', 'b', 'c'].map(id => ({ id, tool: 'x:pay' }))
  const execution = new StreamingExecutor([...tools]).stream({ tasks })
  const asked: string[] = []
  const ended: string[] = []
  for await (const { type, data } of execution) {
    if (type === 'task_complete') ended.push(data.taskId)
    else if (type === 'input_required') asked.push(data.inputId)
    else continue
    // One after the other, the last first.
    const next = asked.length === 3 ? asked.sort().at(-1 - ended.length) : undefined
    if (next !== undefined) await execution.answer(next, { sum: 3 - ended.length })
  }
  expect(asked).toEqual(['a.1', 'b.1', 'c.1'])
  expect([...ended].sort()).toEqual(['a', 'b', 'c'])
  const { results } = await execution.result
  const sums = results.map(
    ({ output }) => (output as { answers: { content: { sum: number } }[] }).answers[0]?.content.sum,
  )
  expect([...sums].sort((a = 0, b = 0) => a - b)).toEqual([1, 2, 3])
})

test('a question that was given to a call which ends is asked again as one of the call that is left', async () => {
  const tools = await serve({ x: { ...PROCESS, concurrency: 3 } }).tools()
  const tasks = [
    { id: 'long', tool: 'x:wait' },
    { id: 'pay', tool: 'x:pay' },
    { id: 'ask', tool: 'human:ask', arguments: { message: 'Release?' } },
    { id: 'release', tool: 'x:release', dependsOn: ['ask'] },
  ]
  const execution = new StreamingExecutor([...tools, humanAskTool]).stream({ tasks }, { schedule: 'dataflow' })
  const asked: string[] = []
  for await (const { type, data } of execution) {
    if (type !== 'input_required') continue
    asked.push(data.inputId)
    if (asked.length === 2) await execution.answer('ask.1', true)
    if (data.inputId === 'pay.1') await execution.answer('pay.1', { sum: 7 })
  }
  expect([...asked].sort()).toEqual(['ask.1', 'long.1', 'pay.1'])
  const { status, results } = await execution.result
  expect([status, results[1]?.output]).toEqual(['success', { answers: [{ action: 'accept', content: { sum: 7 } }] }])
})
