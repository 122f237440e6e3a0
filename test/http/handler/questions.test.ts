import { describe, expect, test } from 'vitest'
import { createMemoryStore, type DAGStructure, humanAskTool, type ToolContext } from '../../../src/index.ts'
import { outlive } from '../../support/crash.ts'
import { idle } from '../../support/fake-clock.ts'
import { follow, type HandlerRig, handlerRig, ONE_TASK, readProblem, STREAM } from './handler-rig.ts'

const ASYNC = { Prefer: 'respond-async' }

function questionsRig(options: Parameters<typeof handlerRig>[0] = {}): HandlerRig {
  const work = (_: unknown, { ask }: ToolContext): Promise<unknown> => ask({ message: 'Secret?', secret: true })
  return handlerRig({ tools: { 'human:ask': humanAskTool, secret: { execute: work } }, ...options })
}

const ask = (id: string, more: object = {}): DAGStructure['tasks'][number] => ({
  id,
  tool: 'human:ask',
  arguments: { message: `${id}?`, ...more },
})

async function begin(rig: HandlerRig, document: DAGStructure, headers: Record<string, string> = {}): Promise<string> {
  const id = await rig.begin(document, headers)
  await idle()
  return id
}

async function listed(rig: HandlerRig, path: string, headers: Record<string, string> = {}): Promise<unknown[]> {
  const { inputs } = (await (await rig.get(path, headers)).json()) as {
    inputs: { executionId: string; inputId: string }[]
  }
  return inputs.map(({ executionId, inputId }) => `${executionId} ${inputId}`)
}

const answer = (
  rig: HandlerRig,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> => rig.send('POST', `/executions/${path}`, { body, headers })

test('open questions are listed by owner and by execution, and answered by id', async () => {
  const rig = questionsRig()
  await begin(rig, { tasks: [ask('a', { schema: { type: 'string' } }), ask('b')] })
  await begin(rig, { tasks: [ask('c')] })
  expect(await listed(rig, '/inputs')).toEqual(['x1 a.1', 'x1 b.1', 'x2 c.1'])
  expect(await (await rig.get('/executions/x1/inputs')).json()).toEqual({
    inputs: [
      {
        executionId: 'x1',
        taskId: 'a',
        inputId: 'a.1',
        message: 'a?',
        responseSchema: { type: 'string' },
        kind: 'question',
      },
      { executionId: 'x1', taskId: 'b', inputId: 'b.1', message: 'b?', kind: 'question' },
    ],
  })
  const answered = await answer(rig, 'x1/inputs/b.1', { response: null })
  expect([answered.status, await answered.text()]).toEqual([204, ''])
  expect((await answer(rig, 'x1/inputs/a.1', { response: 'yes' })).status).toBe(204)
  await idle()
  expect(await listed(rig, '/inputs')).toEqual(['x2 c.1'])
  expect(await (await rig.get('/executions/x1')).json()).toMatchObject({ status: 'success' })
})

test('a page ends behind the execution with which it reaches its limit', async () => {
  const rig = questionsRig()
  for (const id of ['a', 'b', 'c']) {
    await begin(rig, { tasks: [ask(id), ask(`${id}2`)] })
    rig.clock.advance(5)
  }
  const pages: unknown[] = []
  for (let path: string | undefined = '/inputs?limit=1'; path !== undefined; ) {
    const page = (await (await rig.get(path)).json()) as { inputs: { inputId: string }[]; next?: string }
    pages.push(page.inputs.map(({ inputId }) => inputId))
    path = page.next && `/inputs?limit=1&after=${encodeURIComponent(page.next)}`
  }
  expect(pages).toEqual([
    ['a.1', 'a2.1'],
    ['b.1', 'b2.1'],
    ['c.1', 'c2.1'],
  ])
})

test('what is no answer is refused, and the question stays open', async () => {
  const rig = questionsRig()
  await begin(rig, {
    tasks: [ask('a', { schema: { type: 'object', required: ['x'], properties: { x: { maxLength: 3 } } } })],
  })
  for (const body of [
    {},
    { response: 1, decline: true },
    { decline: false },
    [],
    '{"response":1,"response":2}',
    { answer: 1 },
  ]) {
    expect([body, (await answer(rig, 'x1/inputs/a.1', body)).status]).toEqual([body, 400])
  }
  const refused = await answer(rig, 'x1/inputs/a.1', { response: { x: 'the value' } })
  const text = await refused.clone().text()
  expect(await readProblem(refused)).toMatchObject({
    status: 422,
    code: 'INVALID_RESPONSE',
    issueCount: 1,
    issues: [{ code: 'INVALID_RESPONSE', pointer: '/x' }],
  })
  expect(text).not.toContain('the value')
  expect((await readProblem(await answer(rig, 'x1/inputs/a.2', { response: 1 }))).code).toBe('INPUT_NOT_FOUND')
  expect((await readProblem(await answer(rig, 'none/inputs/a.1', { response: 1 }))).code).toBe('EXECUTION_NOT_FOUND')
  expect((await answer(rig, 'x1/inputs/%ff', { response: 1 })).status).toBe(400)
  expect((await answer(rig, 'x1/inputs/a.1', { response: { x: 'ok' } })).status).toBe(204)
})

test('of answers at once exactly one counts, and later ones get 409', async () => {
  const rig = questionsRig()
  await begin(rig, { tasks: [ask('a')] })
  const answers = await Promise.all([1, 2, 3, 4].map(n => answer(rig, 'x1/inputs/a.1', { response: n })))
  expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([204, 409, 409, 409])
  await idle()
  const late = await readProblem(await answer(rig, 'x1/inputs/a.1', { decline: true }))
  expect([late.status, late.code]).toEqual([409, 'INPUT_CLOSED'])
})

test('whoever answered is in the log: the owner', async () => {
  const rig = questionsRig({ authorize: ({ headers }) => ({ owner: headers.get('x-user') ?? 'nobody' }) })
  const ada = { 'X-User': 'ada' }
  await begin(rig, { tasks: [ask('each[0]'.slice(0, 4))] }, ada)
  expect(await listed(rig, '/inputs', { 'X-User': 'eve' })).toEqual([])
  expect((await answer(rig, 'x1/inputs/each.1', { response: 1 }, { 'X-User': 'eve' })).status).toBe(404)
  expect((await answer(rig, 'x1/inputs/each.1', { response: 1 }, ada)).status).toBe(204)
  const { messages, ended } = follow(await rig.get('/executions/x1/events', { Accept: STREAM, ...ada }))
  await ended
  const resolved = messages.find(({ event }) => event === 'input_resolved')
  expect(JSON.parse(resolved?.data as string)).toMatchObject({ outcome: 'answered', response: 1, by: 'ada' })
})

test('a secret answer is in no answer of the server', async () => {
  const rig = questionsRig()
  await begin(rig, { tasks: [{ id: 'a', tool: 'secret', arguments: {} }, ask('b')] })
  expect(JSON.stringify(await (await rig.get('/inputs')).json())).toContain('"secret":true')
  expect((await answer(rig, 'x1/inputs/a.1', { response: 'hunter2' })).status).toBe(204)
  const shown = await (await rig.get('/executions/x1/inputs')).text()
  expect(shown + rig.log.join()).not.toContain('hunter2')
})

describe('an execution that only waits for people', () => {
  test('is not cancelled for the lack of a follower, unless its request asked for that', async () => {
    const rig = questionsRig({ onDisconnect: { graceMs: 1000 } })
    const asked = { options: { onDisconnect: { graceMs: 500 } } }
    for (const more of [{}, asked]) {
      const following = await rig.follow({ workflow: { tasks: [ask('a')] }, ...more })
      await idle()
      await following.leave()
    }
    await rig.clock.run(500)
    expect(await (await rig.get('/executions/x2')).json()).toMatchObject({ status: 'cancelled' })
    await rig.clock.run(86_400_000)
    expect(await (await rig.get('/executions/x1')).json()).toMatchObject({ status: 'running' })
    expect(rig.clock.timerCount).toBe(0)
  })

  test('has its grace again once it goes on', async () => {
    const rig = questionsRig({
      onDisconnect: { graceMs: 1000 },
      tools: { 'human:ask': humanAskTool, never: (_: unknown, { signal }: ToolContext) => untilAborted(signal) },
    })
    const following = await rig.follow({ tasks: [ask('a'), { id: 'b', tool: 'never', dependsOn: ['a'] }] })
    await idle()
    await following.leave()
    await rig.clock.run(5000)
    expect((await answer(rig, 'x1/inputs/a.1', { response: 1 })).status).toBe(204)
    await rig.clock.run(999)
    expect(await (await rig.get('/executions/x1')).json()).toMatchObject({ status: 'running' })
    await rig.clock.run(1)
    expect(await (await rig.get('/executions/x1')).json()).toMatchObject({ status: 'cancelled' })
  })

  test('takes no place, and what goes on after an answer is never refused', async () => {
    const tools = { 'human:ask': humanAskTool, work: () => new Promise(() => {}) }
    const rig = questionsRig({ maxExecutions: 1, tools })
    for (const id of ['a', 'b', 'c'])
      await begin(rig, { tasks: [ask(id), { id: 'then', tool: 'work', dependsOn: [id] }] })
    await begin(rig, ONE_TASK)
    expect((await rig.create(ONE_TASK, ASYNC)).status).toBe(429)
    for (const [at, id] of ['a', 'b', 'c'].entries()) {
      expect((await answer(rig, `x${at + 1}/inputs/${id}.1`, { response: 1 })).status).toBe(204)
    }
    await idle()
    expect(await rig.figure('dagstream_tasks_running')).toBe(4)
  })

  test('does not hold up a drain', async () => {
    const rig = questionsRig({ drainMs: 60_000 })
    await begin(rig, { tasks: [ask('a')] })
    await rig.handler.close()
    expect(rig.clock.now()).toBe(1000)
  })
})

describe('a finally task that only waits for a person', () => {
  const LAST = { tasks: [ask('a')], finally: [ask('last')] }
  const endsOf = async (rig: HandlerRig): Promise<unknown> => {
    const { status, result } = (await (await rig.get('/executions/x1')).json()) as {
      status: string
      result?: { results: { status: string; code?: string }[] }
    }
    return [status, ...(result?.results.map(({ status, code }) => code ?? status) ?? [])]
  }

  test.each([
    ['before the drain', true],
    ['during the drain', false],
  ])('and began %s is cancelled at once where nothing is kept', async (_, isBefore) => {
    const rig = questionsRig({ drainMs: 60_000 })
    await begin(rig, LAST)
    if (isBefore) await answer(rig, 'x1/inputs/a.1', { response: 1 })
    await idle()
    await rig.handler.close()
    expect(rig.clock.now()).toBe(1000)
    expect(await endsOf(rig)).toEqual(
      isBefore ? ['partial', 'success', 'CANCELLED'] : ['cancelled', 'CANCELLED', 'CANCELLED'],
    )
  })

  test('does not shorten the drain time of another one that works', async () => {
    const rig = questionsRig({
      drainMs: 30_000,
      tools: { 'human:ask': humanAskTool, slow: { execute: (_, { signal }) => untilAborted(signal) } },
    })
    await begin(rig, { tasks: [ask('a')], finally: [ask('last'), { id: 'slow', tool: 'slow' }] })
    let isClosed = false
    void rig.handler.close().then(() => (isClosed = true))
    await rig.clock.run(29_999)
    expect(isClosed).toBe(false)
    await rig.clock.run(10_000)
    expect(isClosed).toBe(true)
    expect(await endsOf(rig)).toEqual(['cancelled', 'CANCELLED', 'CANCELLED', 'CANCELLED'])
  })

  test('is answered before the drain ends the execution', async () => {
    const rig = questionsRig({
      drainMs: 60_000,
      tools: { 'human:ask': humanAskTool, slow: { execute: (_, { signal }) => untilAborted(signal) } },
    })
    await begin(rig, { tasks: [ask('a')], finally: [ask('last'), { id: 'slow', tool: 'slow', timeoutMs: 1000 }] })
    const closed = rig.handler.close()
    await idle()
    expect((await answer(rig, 'x1/inputs/last.1', { response: 1 })).status).toBe(204)
    await rig.clock.run(1000)
    await closed
    expect(await endsOf(rig)).toEqual(['cancelled', 'CANCELLED', 'success', 'TASK_TIMEOUT'])
  })

  test.each([
    ['at its end', false],
    ['after a cancellation', true],
  ])('%s of the execution is handed off, and answered in the next life', async (_, isCancelled) => {
    const memory = createMemoryStore()
    const first = questionsRig({ store: { ...memory, interrupted: () => [] }, drainMs: 60_000 })
    await begin(first, LAST)
    if (isCancelled) await first.send('POST', '/executions/x1/cancel')
    else await answer(first, 'x1/inputs/a.1', { response: 1 })
    await idle()
    await first.handler.close()
    expect(first.clock.now()).toBe(1000)
    const second = questionsRig({ store: await outlive(memory, 'x1') })
    await idle()
    expect(await listed(second, '/inputs')).toEqual(['x1 last.1'])
    expect((await answer(second, 'x1/inputs/last.1', { response: 1 })).status).toBe(204)
    await idle()
    expect(await endsOf(second)).toEqual(
      isCancelled ? ['cancelled', 'CANCELLED', 'success'] : ['success', 'success', 'success'],
    )
  })
})

test('a question is open over two lives of a server, and answered in the second', async () => {
  const store = createMemoryStore()
  const durable = { ...store, interrupted: () => store.list({ limit: 10 }) }
  const first = questionsRig({ store: durable })
  await begin(first, { tasks: ['a', 'b', 'c'].map(id => ask(id)) })
  expect((await answer(first, 'x1/inputs/b.1', { response: 'b' })).status).toBe(204)
  const second = questionsRig({ store: durable })
  await idle()
  expect(await listed(second, '/inputs')).toEqual(['x1 a.1', 'x1 c.1'])
  for (const id of ['c', 'a']) expect((await answer(second, `x1/inputs/${id}.1`, { response: id })).status).toBe(204)
  await idle()
  const { result } = (await (await second.get('/executions/x1')).json()) as {
    result: { results: { output: unknown }[] }
  }
  expect(result.results.map(({ output }) => output)).toEqual(['a', 'b', 'c'])
})

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
}
