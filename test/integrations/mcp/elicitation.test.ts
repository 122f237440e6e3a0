import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type Execution, type InputQuestion, StreamingExecutor, type Tool } from '../../../src/index.ts'
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
