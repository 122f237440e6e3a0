import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { HandlerOptions } from '../../src/http/index.ts'
import { createMemoryStore, type DAGStructure } from '../../src/index.ts'
import { type HandlerRig, handlerRig, readProblem } from '../http/handler/handler-rig.ts'
import { outlive } from '../support/crash.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { AI_SDK_READERS, readParts, type TestChat, textOf } from './ai-sdk-readers.ts'

const CHAT: DAGStructure = {
  name: 'chat',
  inputSchema: { type: 'object', required: ['messages'] },
  tasks: [
    { id: 'search', tool: 'work' },
    {
      id: 'answer',
      tool: 'work',
      arguments: { messages: '$INPUT.messages', chat: '$INPUT.id' },
      dependsOn: ['search'],
    },
  ],
}

interface ChatRig extends HandlerRig {
  readonly requests: Request[]
  readonly responses: Response[]
  /** Ends what is being received, with an error or cleanly. */
  readonly breakStreams: (isBroken: boolean) => void
  readonly createChat: (
    version: 5 | 6 | 7,
    more?: { id?: string; query?: string; onFinish?: (end: object) => void },
  ) => TestChat
}

function chatRig(workflow: DAGStructure = CHAT, options: Partial<HandlerOptions> = {}): ChatRig {
  const rig = handlerRig({ clock: systemClock, drainMs: 0, workflows: { chat: workflow }, ...options })
  onTestFinished(() => rig.handler.close())
  const requests: Request[] = []
  const responses: Response[] = []
  const breaks = new Set<(isBroken: boolean) => void>()
  const fetch = async (target: unknown, init?: RequestInit): Promise<Response> => {
    const request = new Request(target as string, init)
    requests.push(request.clone())
    const response = await rig.handler.fetch(request)
    responses.push(response)
    if (response.body === null) return response
    const cutting = new TransformStream<Uint8Array, Uint8Array>({
      start: controller => {
        breaks.add(isBroken => (isBroken ? controller.error(new TypeError('terminated')) : controller.terminate()))
      },
    })
    return new Response(response.body.pipeThrough(cutting), response)
  }
  return {
    ...rig,
    requests,
    responses,
    breakStreams: isBroken => {
      for (const cut of breaks) cut(isBroken)
      breaks.clear()
    },
    createChat: (version, { id, query = '', onFinish } = {}) => {
      const reader = AI_SDK_READERS.find(each => each.version === version)
      if (reader === undefined) throw new Error('Expected a known version')
      const api = 'http://localhost/workflows/chat/chat'
      return reader.createChat({
        api,
        fetch: (target, init) => fetch(`${target as string}${query}`, init),
        ...(id !== undefined && { id }),
        ...(onFinish && { onFinish }),
      })
    },
  }
}

const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 5000, interval: 5 })

describe.each([5, 6, 7] as const)('useChat of ai %i', version => {
  test('types, sees tasks and text arrive, and types again', async () => {
    const ends: object[] = []
    const { tool, createChat, requests, responses } = chatRig()
    const chat = createChat(version, { onFinish: end => ends.push(end) })
    const sending = chat.sendMessage({ text: 'Hi' })
    ;(await tool.nextCall('search')).succeed(['hit'])
    const answer = await tool.nextCall('answer')
    expect(answer.args).toMatchObject({ chat: 'c1', messages: [{ role: 'user', parts: [{ text: 'Hi' }] }] })
    answer.context.emitToken('Hel')
    await until(() => expect(textOf(last(chat))).toBe('Hel'))
    expect(chat.status).toBe('streaming')
    expect(last(chat).parts.find(({ toolCallId }) => toolCallId === 'search')).toMatchObject({ output: ['hit'] })
    answer.context.emitToken('lo')
    answer.succeed('Hello')
    await sending
    expect([chat.status, chat.error, textOf(last(chat))]).toEqual(['ready', undefined, 'Hello'])
    expect(ends).toMatchObject([{ isError: false, finishReason: 'stop' }])
    const body = (await requests[0]?.json()) as object
    expect(Object.keys(body)).toEqual(expect.arrayContaining(['id', 'messages', 'trigger']))
    expect(responses[0]?.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1')
    expect(responses[0]?.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const again = chat.sendMessage({ text: 'And?' })
    ;(await tool.nextCall('search')).succeed()
    const second = await tool.nextCall('answer')
    expect((second.args['messages'] as unknown[]).length).toBe(3)
    second.succeed('Again')
    await again
    expect(chat.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user', 'assistant'])
    expect([textOf(last(chat)), last(chat).id]).toEqual(['Again', 'x2'])
  })

  test('a page that was reloaded in the middle resumes from the start, with the same message id', async () => {
    const { tool, createChat } = chatRig()
    const before = createChat(version)
    void before.sendMessage({ text: 'Hi' })
    ;(await tool.nextCall('search')).succeed()
    const answer = await tool.nextCall('answer')
    answer.context.emitToken('Hel')
    await until(() => expect(textOf(last(before))).toBe('Hel'))
    const { id } = last(before)
    const page = createChat(version)
    page.messages = before.messages.filter(({ role }) => role === 'user')
    await before.stop()
    const resuming = page.resumeStream()
    await until(() => expect(textOf(last(page))).toBe('Hel'))
    answer.context.emitToken('lo')
    answer.succeed()
    await resuming
    expect([page.status, textOf(last(page)), last(page).id]).toEqual(['ready', 'Hello', id])
    expect(page.messages).toHaveLength(2)
  })

  test('there is nothing to resume in a chat that is unknown', async () => {
    const { createChat, responses } = chatRig()
    const chat = createChat(version)
    await chat.resumeStream()
    expect([chat.status, responses[0]?.status]).toEqual(['ready', 204])
  })

  test('an execution that could not be kept is an error, never a success', async () => {
    const { tool, createChat, store } = chatRig()
    const chat = createChat(version)
    const sending = chat.sendMessage({ text: 'Hi' })
    const search = await tool.nextCall('search')
    await until(() => expect(chat.status).toBe('streaming'))
    vi.spyOn(store, 'append').mockImplementation(() => {
      throw new Error('secret')
    })
    search.succeed()
    await sending
    expect([chat.status, chat.error?.message]).toEqual(['error', expect.stringMatching(/^STORE_FAILED: (?!.*secret)/)])
  })

  test('a stream that is cut is an error; a clean end in its place would look like success', async () => {
    const { tool, createChat, breakStreams } = chatRig()
    const see = async (isBroken: boolean): Promise<unknown> => {
      const chat = createChat(version)
      const sending = chat.sendMessage({ text: 'Hi' })
      const search = await tool.nextCall('search')
      await until(() => expect(chat.messages).toHaveLength(2))
      breakStreams(isBroken)
      await sending
      search.succeed()
      ;(await tool.nextCall('answer')).succeed()
      return chat.status
    }
    expect([await see(true), await see(false)]).toEqual(['error', 'ready'])
  })
})

// Version 5 adds a replay to what a page has of an unfinished message: such a page drops that message first.
describe.each([6, 7] as const)('useChat of ai %i, from a page that kept its messages', version => {
  test('an unfinished message is replayed in its place', async () => {
    const { tool, createChat } = chatRig()
    const before = createChat(version)
    void before.sendMessage({ text: 'Hi' })
    ;(await tool.nextCall('search')).succeed()
    const answer = await tool.nextCall('answer')
    answer.context.emitToken('Hel')
    await until(() => expect(textOf(last(before))).toBe('Hel'))
    const page = createChat(version)
    page.messages = before.messages
    await before.stop()
    const resuming = page.resumeStream()
    answer.context.emitToken('lo')
    answer.succeed()
    await resuming
    expect([page.messages.length, textOf(last(page))]).toEqual([2, 'Hello'])
    expect(last(page).parts.filter(({ type }) => type === 'dynamic-tool')).toHaveLength(2)
  })
})

test('the chat route streams whatever is accepted', async () => {
  const { tool, send } = chatRig()
  const body = { id: 'c1', messages: [] }
  const response = await send('POST', '/workflows/chat/chat', { headers: { Accept: 'application/json' }, body })
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  ;(await tool.nextCall('search')).succeed()
  ;(await tool.nextCall('answer')).succeed('Hello')
  const text = await response.text()
  expect(text.endsWith('data: [DONE]\n\n')).toBe(true)
  expect(readParts(text).at(-1)).toMatchObject({ type: 'finish', finishReason: 'stop' })
})

test('a request that `useChat` does not send is refused before anything starts', async () => {
  const { tool, send } = chatRig()
  const post = async (body: unknown, query = ''): Promise<unknown> => {
    const { status, detail } = await readProblem(await send('POST', `/workflows/chat/chat${query}`, { body }))
    return [status, detail]
  }
  expect(await post([])).toEqual([400, 'Expected an object with `id` and `messages`, got array'])
  expect(await post({ messages: [] })).toEqual([
    400,
    'Expected `id`, the id of the chat, to be a string of 1–256 characters',
  ])
  expect(await post({ id: 'c' })).toEqual([400, 'Expected `messages` to be an array, got undefined'])
  expect(await post({ id: 'c', messages: [] }, '?answer=other')).toEqual([
    400,
    'Expected `answer` to be the id of a task of the workflow',
  ])
  expect(await post({ id: 'c', messages: [] }, '?version=4')).toEqual([400, expect.stringContaining('5, 6 or 7')])
  const unknown = await send('POST', '/workflows/chap/chat', { body: { id: 'c', messages: [] } })
  expect(await readProblem(unknown)).toMatchObject({ status: 404, code: 'WORKFLOW_NOT_FOUND' })
  const resumed = await send('GET', '/workflows/chap/chat/c/stream')
  expect(await readProblem(resumed)).toMatchObject({ status: 404, code: 'WORKFLOW_NOT_FOUND' })
  await tool.idle()
  expect(tool.started).toEqual([])
})

test('the input is checked by the schema of the workflow, at its place in the body', async () => {
  const workflow = { ...CHAT, inputSchema: { type: 'object', properties: { id: { type: 'string', maxLength: 3 } } } }
  const { send } = chatRig(workflow)
  const body = { id: 'long', messages: [] }
  const problem = await readProblem(await send('POST', '/workflows/chat/chat', { body }))
  expect(problem).toMatchObject({ status: 422, issues: [{ pointer: '/id', in: 'input', line: 1 }] })
})

test('a chat of another owner looks like none', async () => {
  const authorize = (request: Request): { owner: string } => ({ owner: request.headers.get('x-user') ?? 'nobody' })
  const { tool, send } = chatRig(CHAT, { authorize })
  const body = { id: 'c1', messages: [] }
  const response = await send('POST', '/workflows/chat/chat', { headers: { 'x-user': 'ada' }, body })
  const get = (user: string): Promise<Response> =>
    send('GET', '/workflows/chat/chat/c1/stream', { headers: { 'x-user': user } })
  expect((await get('eve')).status).toBe(204)
  const mine = await get('ada')
  expect([mine.status, mine.headers.get('execution-id')]).toEqual([200, 'x1'])
  ;(await tool.nextCall('search')).succeed()
  ;(await tool.nextCall('answer')).succeed('Hello')
  const [first] = AI_SDK_READERS
  expect(await first?.read(await mine.text())).toEqual(await first?.read(await response.text()))
})

test('the last execution of a chat can be resumed for a while after its end, and not later', async () => {
  const clock = new FakeClock()
  const { tool, send } = chatRig(CHAT, { clock })
  const start = (): Promise<Response> => send('POST', '/workflows/chat/chat', { body: { id: 'c1', messages: [] } })
  const get = (): Promise<Response> => send('GET', '/workflows/chat/chat/c1/stream')
  const responses = [await start(), await start()]
  for (const taskId of ['search', 'search', 'answer', 'answer']) (await tool.nextCall(taskId)).succeed('Hello')
  await tool.idle()
  const resumed = await get()
  expect([resumed.status, resumed.headers.get('execution-id')]).toEqual([200, 'x2'])
  expect(readParts(await resumed.text()).at(-1)).toMatchObject({ type: 'finish' })
  for (const response of responses) await response.body?.cancel()
  await clock.run(300_001)
  expect((await get()).status).toBe(204)
})

test('after a restart the chat is found by the input of its execution', async () => {
  const store = createMemoryStore({ clock: systemClock })
  const before = chatRig(CHAT, { store })
  const response = await before.send('POST', '/workflows/chat/chat', { body: { id: 'c1', messages: [] } })
  await before.tool.nextCall('search')
  const after = chatRig(CHAT, { store: await outlive(store, 'x1') })
  await response.body?.cancel()
  ;(await after.tool.nextCall('search')).succeed()
  for (const [chatId, status] of [
    ['c2', 204],
    ['c1', 200],
  ] as const) {
    const resumed = await after.send('GET', `/workflows/chat/chat/${chatId}/stream`)
    expect(resumed.status).toBe(status)
    if (status === 204) continue
    ;(await after.tool.nextCall('answer')).succeed('Hello')
    const message = await AI_SDK_READERS[2]?.read(await resumed.text())
    expect(message && textOf(message)).toBe('Hello')
  }
})

function last({ messages }: TestChat): TestChat['messages'][number] {
  const message = messages.at(-1)
  if (message === undefined) throw new Error('Expected a message')
  return message
}
