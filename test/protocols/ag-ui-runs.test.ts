import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { HandlerOptions } from '../../src/http/index.ts'
import type { DAGStructure } from '../../src/index.ts'
import { type HandlerRig, handlerRig, readProblem } from '../http/handler/handler-rig.ts'
import { contentsOf, createAgent, refuseWarnings, type TestAgent } from './ag-ui-readers.ts'

beforeEach(refuseWarnings)

const CHAT: DAGStructure = {
  name: 'chat',
  tasks: [
    { id: 'search', tool: 'work' },
    { id: 'answer', tool: 'work', arguments: { thread: '$INPUT.threadId' }, dependsOn: ['search'] },
  ],
}

const RUN = { threadId: 't1', runId: 'r1', messages: [], tools: [], context: [] }

interface AgUiRig extends HandlerRig {
  readonly createAgent: (follow?: string) => TestAgent
  readonly accepted: string[]
}

function agUiRig(workflow: DAGStructure = CHAT, options: Partial<HandlerOptions> = {}): AgUiRig {
  const rig = handlerRig({ clock: systemClock, drainMs: 0, workflows: { chat: workflow }, ...options })
  onTestFinished(() => rig.handler.close())
  const accepted: string[] = []
  const fetch = async (target: unknown, init?: RequestInit): Promise<Response> => {
    const request = new Request(target as string, init)
    accepted.push(request.headers.get('accept') ?? '')
    return rig.handler.fetch(request)
  }
  const root = 'http://localhost'
  return {
    ...rig,
    accepted,
    createAgent: follow => createAgent(`${root}/workflows/chat/ag-ui`, fetch, `${root}${follow}`),
  }
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5000, interval: 5 })

test('a run is an execution: tasks and text arrive, and a second run of the thread has its own', async () => {
  const { tool, createAgent: create, accepted } = agUiRig()
  const { agent, messages, activity } = create()
  agent.addMessage({ id: 'u1', role: 'user', content: 'Hi' })
  const running = agent.runAgent({ runId: 'r1' })
  ;(await tool.nextCall('search')).succeed(['hit'])
  const answer = await tool.nextCall('answer')
  expect(answer.args).toEqual({ thread: 't1' })
  answer.context.emitToken('Hel')
  await until(() => expect(contentsOf(messages(), 'assistant').at(-1)).toBe('Hel'))
  expect(contentsOf(messages(), 'tool')).toEqual(['["hit"]'])
  answer.context.emitToken('lo')
  answer.succeed({ text: 'Hello' })
  await running
  expect([contentsOf(messages(), 'assistant').at(-1), activity()?.['status']]).toEqual(['Hello', 'success'])
  expect(accepted).toEqual(['text/event-stream'])
  const again = agent.runAgent({ runId: 'r2' })
  ;(await tool.nextCall('search')).succeed()
  ;(await tool.nextCall('answer')).succeed('Again')
  await again
  expect(contentsOf(messages(), 'assistant')).toEqual([undefined, 'Hello', undefined, 'Again'])
})

test('a page that was reloaded in the middle follows the run again, and has each message once', async () => {
  const { tool, createAgent: create, send } = agUiRig()
  const before = create()
  before.agent.addMessage({ id: 'u1', role: 'user', content: 'Hi' })
  void before.agent.runAgent({ runId: 'r1' })
  ;(await tool.nextCall('search')).succeed()
  const answer = await tool.nextCall('answer')
  answer.context.emitToken('Hel')
  await until(() => expect(contentsOf(before.messages(), 'assistant').at(-1)).toBe('Hel'))
  const page = create('/executions/x1/events?format=ag-ui')
  page.agent.messages = structuredClone([...before.messages()])
  before.agent.abortRun()
  const following = page.agent.connectAgent()
  await until(() => expect(page.events.map(({ type }) => type)).toContain('MESSAGES_SNAPSHOT'))
  answer.context.emitToken('lo')
  answer.succeed()
  await following
  expect(contentsOf(page.messages(), 'user')).toEqual(['Hi'])
  expect(contentsOf(page.messages(), 'assistant')).toEqual([undefined, 'Hello'])
  expect(contentsOf(page.messages(), 'tool')).toHaveLength(2)
  expect(page.events[0]).toMatchObject({ type: 'RUN_STARTED', threadId: 't1', runId: 'r1' })
  // After its end, too.
  const late = create('/executions/x1/events?format=ag-ui')
  await late.agent.connectAgent()
  expect(contentsOf(late.messages(), 'assistant')).toEqual([undefined, 'Hello'])
  const head = await send('HEAD', '/executions/x1/events?format=ag-ui', { headers: { accept: 'text/event-stream' } })
  expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream; charset=utf-8'])
})

test('a run is interrupted once only questions remain, and the next run continues the execution', async () => {
  const workflow: DAGStructure = {
    tasks: [
      { id: 'slow', tool: 'work' },
      { id: 'pay', tool: 'work', approve: 'Pay?' },
      { id: 'answer', tool: 'work', dependsOn: ['slow', 'pay'] },
    ],
  }
  const { tool, createAgent: create, get } = agUiRig(workflow)
  const { agent, events, messages, interrupts } = create()
  const running = agent.runAgent({ runId: 'r1' })
  const slow = await tool.nextCall('slow')
  await until(() => expect(events.map(({ type }) => type)).toContain('STEP_STARTED'))
  await tool.idle()
  // A task still runs.
  expect(events.map(({ type }) => type)).not.toContain('RUN_FINISHED')
  slow.succeed('done')
  await running
  expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', outcome: { type: 'interrupt' } })
  expect(interrupts()).toMatchObject([
    { id: 'x1.pay.0', reason: 'confirmation', message: 'Pay?', metadata: { taskId: 'pay', inputId: 'pay.0' } },
  ])
  const resume = [{ interruptId: 'x1.pay.0', status: 'resolved' as const, payload: true }]
  const continuing = agent.runAgent({ runId: 'r2', resume })
  ;(await tool.nextCall('pay')).succeed('paid')
  ;(await tool.nextCall('answer')).succeed('Thanks')
  await continuing
  expect(interrupts()).toEqual([])
  expect(events.at(-1)).toMatchObject({ type: 'RUN_FINISHED', runId: 'r2', outcome: { type: 'success' } })
  expect(contentsOf(messages(), 'tool')).toEqual(['done', 'paid', 'Thanks'])
  expect(contentsOf(messages(), 'assistant')).toEqual([undefined, 'Thanks'])
  expect((await get('/executions/x2')).status).toBe(404)
})

test('a question in the middle of an answer closes its text, and a cancelled interrupt declines it', async () => {
  const { tool, createAgent: create } = agUiRig({ tasks: [{ id: 'answer', tool: 'work' }] })
  const { agent, events, messages, interrupts } = create()
  const running = agent.runAgent({ runId: 'r1' })
  const call = await tool.nextCall('answer')
  call.context.emitToken('Which? ')
  const asking = call.context.ask({ message: 'Which?', schema: { type: 'string' } })
  await running
  expect(events.slice(-3)).toMatchObject([
    { type: 'TEXT_MESSAGE_END', messageId: 'x1.answer#1' },
    { type: 'STEP_FINISHED', stepName: 'answer' },
    { type: 'RUN_FINISHED' },
  ])
  expect(interrupts()).toMatchObject([
    { id: 'x1.answer.1', reason: 'input_required', toolCallId: 'x1.answer', responseSchema: { type: 'string' } },
  ])
  const continuing = agent.runAgent({ runId: 'r2', resume: [{ interruptId: 'x1.answer.1', status: 'cancelled' }] })
  await expect(asking).rejects.toMatchObject({ code: 'INPUT_DECLINED' })
  call.context.emitToken('None.')
  call.succeed()
  await continuing
  expect(contentsOf(messages(), 'assistant')).toEqual([undefined, 'Which? None.'])
})

test('an answer that does not fit is refused, and the question stays open', async () => {
  const { tool, send, get } = agUiRig({ tasks: [{ id: 'answer', tool: 'work', approve: true }] })
  await (await send('POST', '/workflows/chat/ag-ui', { body: RUN })).text()
  const resume = [{ interruptId: 'x1.answer.0', status: 'resolved', payload: 'perhaps' }]
  const refused = await send('POST', '/workflows/chat/ag-ui', { body: { ...RUN, resume } })
  expect(await readProblem(refused)).toMatchObject({ status: 422, code: 'INVALID_RESPONSE' })
  expect(await (await get('/executions/x1/inputs')).json()).toMatchObject({ inputs: [{ inputId: 'answer.0' }] })
  await tool.idle()
  expect(tool.started).toEqual([])
})

test('a request that is no `RunAgentInput` is refused before anything starts', async () => {
  const { tool, send } = agUiRig()
  const post = async (body: unknown): Promise<unknown> => {
    const { status, detail = '' } = await readProblem(await send('POST', '/workflows/chat/ag-ui', { body }))
    return [status, detail.split(':')[0]]
  }
  expect(await post({ threadId: 't' })).toEqual([400, 'Expected a `RunAgentInput`'])
  expect(await post({ ...RUN, resume: 1 })).toEqual([400, 'Expected `resume` to be an array'])
  expect(await post({ ...RUN, resume: [{ interruptId: 'x', status: 'resolved' }] })).toEqual([
    400,
    'Expected each entry of `resume` to have the id of an interrupt, and a `status` of resolved or cancelled',
  ])
  const entry = (interruptId: string): object => ({ interruptId, status: 'resolved', payload: 1 })
  expect(await post({ ...RUN, resume: [entry('x1.a.1'), entry('x2.a.1')] })).toEqual([
    400,
    'Expected the entries of `resume` to be of one execution',
  ])
  expect(await post({ ...RUN, resume: [entry('x1.a.1')] })).toEqual([404, 'There is no such execution'])
  await tool.idle()
  expect(tool.started).toEqual([])
})

test('a run of another owner cannot be continued', async () => {
  const authorize = (request: Request): { owner: string } => ({ owner: request.headers.get('x-user') ?? 'nobody' })
  const { send } = agUiRig({ tasks: [{ id: 'a', tool: 'work', approve: true }] }, { authorize })
  const post = (user: string, body: object): Promise<Response> =>
    send('POST', '/workflows/chat/ag-ui', { headers: { 'x-user': user }, body })
  await (await post('ada', RUN)).text()
  const resume = [{ interruptId: 'x1.a.0', status: 'resolved', payload: true }]
  expect(await readProblem(await post('eve', { ...RUN, resume }))).toMatchObject({ status: 404 })
})
