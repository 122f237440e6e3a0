import { expect, test } from 'vitest'
import {
  type DAGStructure,
  humanAskTool,
  type InputQuestion,
  ParallelExecutor,
  parseJson,
  stringifyJson,
  StreamingExecutor,
  type ToolContext,
} from '../../src/index.ts'
import { idle } from '../support/fake-clock.ts'
import { rig } from '../support/rig.ts'
import { outline, pickInputs } from './questions-rig.ts'

const ASK = { 'human:ask': humanAskTool }
const one = (args: Record<string, unknown> = { message: 'Which?' }, more: object = {}): DAGStructure => ({
  tasks: [{ id: 'a', tool: 'human:ask', arguments: args, ...more }],
})

test('a question and its answer are in the log, and the answer is the output of the tool', async () => {
  const schema = { type: 'object', required: ['n'] }
  const { execution, events } = rig(one({ message: 'Which?', schema }), { tools: ASK })
  await idle()
  await execution.answer('a.1', { n: [1] })
  expect((await execution.result).results[0]).toMatchObject({ status: 'success', output: { n: [1] } })
  expect(pickInputs(events)).toEqual([
    {
      type: 'input_required',
      taskId: 'a',
      inputId: 'a.1',
      message: 'Which?',
      responseSchema: schema,
      kind: 'question',
    },
    { type: 'input_resolved', taskId: 'a', inputId: 'a.1', outcome: 'answered', response: { n: [1] } },
  ])
  expect(outline(events)).toEqual([
    'execution_start',
    'task_start a',
    'input_required a',
    'input_resolved a',
    'task_complete a',
    'execution_complete',
  ])
})

test('while an answer is awaited the task holds no slot and no permit', async () => {
  const ask = { execute: (_: unknown, { ask }: ToolContext) => ask({ message: 'Go?' }), limit: 1 }
  const tasks = ['a', 'b', 'c'].map(id => ({ id, tool: 'ask' }))
  const { execution, events, tool } = rig(
    { tasks: [...tasks, { id: 'd', tool: 'work' }] },
    { tools: { ask }, maxConcurrency: 1, schedule: 'dataflow' },
  )
  const call = await tool.nextCall('d')
  expect(pickInputs(events)).toHaveLength(3)
  for (const id of ['c.1', 'a.1', 'b.1']) await execution.answer(id, id)
  await tool.idle()
  // `d` has the only slot.
  expect(outline(events)).not.toContain('task_complete a')
  call.succeed()
  const { results } = await execution.result
  expect(results.map(({ output }) => output)).toEqual(['a.1', 'b.1', 'c.1', null])
})

test('a task goes on only once it has its slot and its permit again', async () => {
  const tools = { ask: { execute: (_: unknown, { ask }: ToolContext) => ask({ message: 'Go?' }), limit: 1 } }
  const tasks = [
    { id: 'a', tool: 'ask' },
    { id: 'b', tool: 'ask' },
  ]
  const { execution, events } = rig({ tasks }, { tools, maxConcurrency: 1 })
  await idle()
  await Promise.all([execution.answer('b.1', 2), execution.answer('a.1', 1)])
  const { results } = await execution.result
  expect([
    results.map(({ output }) => output),
    outline(events).filter(line => line.startsWith('task_complete')),
  ]).toEqual([
    [1, 2],
    ['task_complete a', 'task_complete b'],
  ])
})

test('several questions are open at once, answered in any order, and the tool goes on after the last', async () => {
  const given: unknown[] = []
  const execute = async (_: unknown, { ask }: ToolContext): Promise<unknown> => {
    const take = async (n: number): Promise<unknown> => {
      const answer = await ask({ message: `Question ${n}` })
      given.push(answer)
      return answer
    }
    return Promise.all([take(1), take(2), take(3)])
  }
  const { execution } = rig({ tasks: [{ id: 'a', tool: 'ask' }] }, { tools: { ask: { execute } } })
  await idle()
  await execution.answer('a.2', 'two')
  await execution.answer('a.3', 'three')
  await idle()
  expect(given).toEqual([])
  await execution.answer('a.1', 'one')
  expect((await execution.result).results[0]?.output).toEqual(['one', 'two', 'three'])
})

test('the time of the attempt stands still, and goes on from where it stood', async () => {
  const { tool, execution, clock } = rig({ tasks: [{ id: 'a', tool: 'w', timeoutMs: 100 }] })
  const call = await tool.nextCall('a')
  await clock.run(60)
  void call.context.ask({ message: 'Go?' })
  await clock.run(86_400_000)
  expect(clock.timerCount).toBe(0)
  await execution.answer('a.1', 1)
  await clock.run(30)
  void call.context.ask({ message: 'More?' })
  await clock.run(50)
  await execution.answer('a.2', 1)
  await clock.run(9)
  expect(tool.runningCount).toBe(1)
  await clock.run(1)
  call.fail()
  expect((await execution.result).results[0]).toMatchObject({ code: 'TASK_TIMEOUT', executionTimeMs: 100 })
})

test('the time of the execution stands still while it only waits for people', async () => {
  const tasks = [
    { id: 'a', tool: 'human:ask', arguments: { message: 'Go?' } },
    { id: 'b', tool: 'w' },
    { id: 'c', tool: 'w', dependsOn: ['a'] },
  ]
  const { tool, execution, clock } = rig({ tasks }, { tools: ASK, timeoutMs: 100, taskTimeoutMs: 0 })
  const b = await tool.nextCall('b')
  await clock.run(60)
  b.succeed()
  await clock.run(1_000_000)
  await execution.answer('a.1', true)
  await tool.nextCall('c').then(call => call.context.signal.addEventListener('abort', () => call.fail()))
  await clock.run(39)
  expect(tool.runningCount).toBe(1)
  await clock.run(1)
  expect(await execution.result).toMatchObject({ status: 'cancelled', reason: { code: 'EXECUTION_TIMEOUT' } })
})

test('an answer that does not fit is refused with issues that do not repeat it, and the question stays open', async () => {
  const schema = { type: 'object', properties: { pin: { type: 'integer', maximum: 9 } }, required: ['pin', 'name'] }
  const { execution, events } = rig(one({ message: 'Which?', schema }), { tools: ASK })
  await idle()
  const refused = await execution.answer('a.1', { pin: 77 }).catch((error: unknown) => error)
  expect(refused).toMatchObject({
    code: 'INVALID_RESPONSE',
    details: {
      issues: [
        { pointer: '', message: 'Missing `name`' },
        { pointer: '/pin', message: 'The number is greater than 9' },
      ],
    },
  })
  expect(JSON.stringify(refused)).not.toContain('77')
  await expect(execution.answer('a.1', undefined)).rejects.toMatchObject({ code: 'INVALID_RESPONSE' })
  expect(pickInputs(events)).toHaveLength(1)
  await execution.answer('a.1', { pin: 7, name: 'x' })
  expect((await execution.result).status).toBe('success')
})

test('the first answer counts; later ones and those to unknown questions are refused', async () => {
  const { execution } = rig(one(), { tools: ASK })
  await expect(execution.answer('a.1', 1)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' })
  await idle()
  const answers = await Promise.allSettled([
    execution.answer('a.1', 1),
    execution.answer('a.1', 2),
    execution.decline('a.1'),
  ])
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect((await execution.result).results[0]?.output).toBe(1)
  await expect(execution.answer('a.1', 3)).rejects.toMatchObject({ code: 'INPUT_CLOSED' })
  await expect(execution.answer('a.2', 3)).rejects.toMatchObject({ code: 'INPUT_NOT_FOUND' })
})

test('a declined question fails its task, and is not retried', async () => {
  const { execution, events } = rig(one(undefined, { retry: { maxAttempts: 5 } }), { tools: ASK })
  await idle()
  await execution.decline('a.1')
  expect((await execution.result).results[0]).toMatchObject({ status: 'error', code: 'INPUT_DECLINED', attempts: 1 })
  expect(pickInputs(events)[1]).toEqual({ type: 'input_resolved', taskId: 'a', inputId: 'a.1', outcome: 'declined' })
})

test('a question expires by its time, to its default if it has one', async () => {
  const tasks = [
    { id: 'a', tool: 'human:ask', arguments: { message: 'A?', expiresMs: 1000 }, retry: { maxAttempts: 3 } },
    { id: 'b', tool: 'human:ask', arguments: { message: 'B?', expiresMs: 2000, default: [1] } },
  ]
  const { execution, events, clock } = rig({ tasks }, { tools: ASK })
  await clock.run(2000)
  const { results } = await execution.result
  expect(results).toMatchObject([
    { code: 'INPUT_EXPIRED', attempts: 1 },
    { status: 'success', output: [1] },
  ])
  expect(pickInputs(events)).toMatchObject([
    { expiresAt: '2026-01-01T00:00:01.000Z' },
    { expiresAt: '2026-01-01T00:00:02.000Z' },
    { inputId: 'a.1', outcome: 'expired' },
    { inputId: 'b.1', outcome: 'expired', response: [1] },
  ])
  expect(clock.timerCount).toBe(0)
})

test('a further attempt gets the answers that were given, and its open question is no new event', async () => {
  const asked: unknown[][] = []
  const execute = async (_: unknown, { ask, attempt }: ToolContext): Promise<unknown> => {
    const first = await ask({ message: 'First' })
    const second = ask({ message: 'Second' })
    asked.push([attempt, first])
    if (attempt === 1) throw new Error('no')
    return [first, await second]
  }
  const document = { tasks: [{ id: 'a', tool: 'ask', retry: { maxAttempts: 2, initialDelayMs: 0 } }] }
  const { execution, events, clock } = rig(document, { tools: { ask: { execute } } })
  await idle()
  await execution.answer('a.1', 1)
  await clock.run(0)
  await execution.answer('a.2', 2)
  expect((await execution.result).results[0]).toMatchObject({ output: [1, 2], attempts: 2 })
  expect(asked).toEqual([
    [1, 1],
    [2, 1],
  ])
  expect(outline(events).filter(line => line.startsWith('input'))).toEqual([
    'input_required a',
    'input_resolved a',
    'input_required a',
    'input_resolved a',
  ])
})

test('another question under a used id fails with INPUT_MISMATCH, and is not retried', async () => {
  const execute = async (_: unknown, { ask, attempt }: ToolContext): Promise<unknown> => {
    await ask({ message: `Attempt ${attempt}` })
    throw new Error('no')
  }
  const document = { tasks: [{ id: 'a', tool: 'ask', retry: { maxAttempts: 9, initialDelayMs: 0 } }] }
  const { execution, clock } = rig(document, { tools: { ask: { execute } } })
  await idle()
  await execution.answer('a.1', 1)
  await clock.run(0)
  expect((await execution.result).results[0]).toMatchObject({ code: 'INPUT_MISMATCH', attempts: 2 })
})

test('the end of a task cancels its open questions, also when the execution is cancelled', async () => {
  const execute = async (_: unknown, { ask }: ToolContext): Promise<number> => {
    void ask({ message: 'Nobody waits for this' })
    return 1
  }
  const tasks = [
    { id: 'a', tool: 'ask' },
    { id: 'b', tool: 'human:ask', arguments: { message: 'Go?' } },
    { id: 'c', tool: 'human:ask', arguments: { message: 'Go?' }, approve: true },
  ]
  const { execution, events } = rig({ tasks }, { tools: { ...ASK, ask: { execute } } })
  await idle()
  execution.cancel('Enough')
  await expect(execution.answer('b.1', 1)).rejects.toMatchObject({ code: 'INPUT_CLOSED' })
  const { results } = await execution.result
  expect(results.map(({ status }) => status)).toEqual(['success', 'cancelled', 'cancelled'])
  const closed = pickInputs(events).filter(data => (data as { outcome?: string }).outcome === 'cancelled')
  expect(closed.map(data => (data as { inputId: string }).inputId).sort()).toEqual(['a.1', 'b.1', 'c.0'])
  for (const id of ['a', 'b', 'c']) {
    const lines = outline(events)
    expect(lines.indexOf(`task_complete ${id}`)).toBeGreaterThan(lines.lastIndexOf(`input_resolved ${id}`))
  }
})

test('a secret answer reaches the tool, and is in no event', async () => {
  const execute = async (_: unknown, { ask }: ToolContext): Promise<number> => {
    return String(await ask({ message: 'Password?', secret: true })).length
  }
  const { execution, events } = rig({ tasks: [{ id: 'a', tool: 'ask' }] }, { tools: { ask: { execute } } })
  await idle()
  await execution.answer('a.1', 'hunter2')
  expect((await execution.result).results[0]?.output).toBe(7)
  expect(pickInputs(events)).toMatchObject([{ secret: true }, { outcome: 'answered' }])
  expect(JSON.stringify(events)).not.toContain('hunter2')
})

test('a question that cannot be asked fails its task and is not retried', async () => {
  const faults: [object, string][] = [
    [{ message: ' ' }, 'expected `message` to be a text'],
    [{ message: 'x', schema: { type: 'what' } }, 'unknown type'],
    [{ message: 'x', schema: { pattern: '(a+)+$' } }, 'may take too long'],
    [{ message: 'x', expiresMs: -1 }, 'expected `expiresMs`'],
    [{ message: 'x', schema: { type: 'number' }, default: 'y' }, '`default` does not fit'],
  ]
  for (const [question, message] of faults) {
    const execute = (_: unknown, { ask }: ToolContext): Promise<unknown> => ask(question as { message: string })
    const executor = new ParallelExecutor({ ask: { execute } })
    const document = { tasks: [{ id: 'a', tool: 'ask', retry: { maxAttempts: 3 } }] }
    const [result] = (await executor.execute(document)).results
    expect(result).toMatchObject({ code: 'INVALID_QUESTION', attempts: 1, error: expect.stringContaining(message) })
  }
})

test('where nobody can answer a question without expiry expires at once', async () => {
  const executor = new ParallelExecutor(ASK)
  const { results } = await executor.execute({
    tasks: [
      { id: 'a', tool: 'human:ask', arguments: { message: 'Go?' } },
      { id: 'b', tool: 'human:ask', arguments: { message: 'Go?', default: 3 } },
      { id: 'c', tool: 'human:ask', arguments: { message: 'Go?' }, approve: true },
      { id: 'd', tool: 'human:ask', arguments: { message: 'Go?', expiresMs: 1 } },
    ],
  })
  expect(results).toMatchObject([
    { code: 'INPUT_EXPIRED' },
    { status: 'success', output: 3 },
    { code: 'INPUT_DECLINED', attempts: 0 },
    { code: 'INPUT_EXPIRED' },
  ])
})

test('`onInput` answers, leaves open, and a throw or a wrong answer is logged and leaves open', async () => {
  const seen: InputQuestion[] = []
  const warnings: string[] = []
  const executor = new StreamingExecutor(ASK, {
    createId: () => 'x',
    logger: { debug() {}, warn: message => void warnings.push(message) },
    async onInput(input) {
      seen.push(input)
      if (input.taskId === 'a') return 'from onInput'
      if (input.taskId === 'b') throw new Error('no')
      return input.taskId === 'c' ? 'wrong' : undefined
    },
  })
  const more = { c: { schema: { type: 'number' } } }
  const tasks = ['a', 'b', 'c', 'd'].map(id => ({
    id,
    tool: 'human:ask',
    arguments: { message: id, ...more[id as 'c'] },
  }))
  const execution = executor.stream({ tasks })
  await idle()
  expect([seen.map(({ inputId }) => inputId), warnings.length]).toEqual([['a.1', 'b.1', 'c.1', 'd.1'], 2])
  expect(seen[0]).toEqual({ executionId: 'x', taskId: 'a', inputId: 'a.1', message: 'a', kind: 'question' })
  for (const [id, answer] of Object.entries({ b: 1, c: 2, d: 3 })) await execution.answer(`${id}.1`, answer)
  expect((await execution.result).results.map(({ output }) => output)).toEqual(['from onInput', 1, 2, 3])
})

test('a question of an item names the item and its index', async () => {
  const task = { id: 'each', forEach: [{ n: 1 }, 'x'.repeat(500)], tool: 'human:ask', arguments: { message: 'Go?' } }
  const { execution, events } = rig({ tasks: [task] }, { tools: ASK })
  await idle()
  expect(pickInputs(events)).toMatchObject([
    { inputId: 'each[0].1', index: 0, item: { n: 1 } },
    { inputId: 'each[1].1', index: 1 },
  ])
  expect(pickInputs(events)[1]).not.toHaveProperty('item')
  await Promise.all([execution.answer('each[1].1', 'b'), execution.answer('each[0].1', 'a')])
  expect((await execution.result).results[0]?.output).toEqual(['a', 'b'])
})

test('a tool gets the digits of numbers only if it takes them', async () => {
  const execute = async (_: unknown, { ask }: ToolContext): Promise<string> =>
    typeof (await ask({ message: 'Number?' }))
  const tools = { exact: { execute, exactNumbers: true }, near: { execute } }
  const tasks = Object.keys(tools).map(tool => ({ id: tool, tool }))
  const { execution, events } = rig({ tasks }, { tools })
  await idle()
  for (const { id } of tasks) await execution.answer(`${id}.1`, parseJson('9007199254740993'))
  expect((await execution.result).results.map(({ output }) => output)).toEqual(['object', 'number'])
  expect(stringifyJson(pickInputs(events).at(-1))).toContain('9007199254740993')
})
