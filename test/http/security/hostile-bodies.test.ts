import { describe, expect, test } from 'vitest'
import { handlerRig, JSON_TYPE, ONE_TASK, readMessages, readProblem, STREAM } from '../handler/handler-rig.ts'

// Within the megabyte that a body may have.
const DEEP = 400_000
const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`

describe('nesting that no recursion could follow is refused, and the server continues', () => {
  const task = (value: string): string => `{"tasks":[{"id":"a","tool":"work","arguments":{"x":${value}}}]}`

  test.each([
    ['the body itself', nested(DEEP)],
    ['an argument', task(nested(DEEP))],
    ['an argument of a workflow beside options', `{"workflow":${task(nested(DEEP))}}`],
    ['objects', `{"workflow":${task(`${'{"a":'.repeat(150_000)}1${'}'.repeat(150_000)}`)}}`],
  ])('%s', async (_, body) => {
    const { create, send, tool, get } = handlerRig()
    for (const accept of [STREAM, JSON_TYPE]) {
      const { status, code } = await readProblem(await create(body, { Accept: accept }))
      expect([422, code]).toEqual([status, 'INVALID_WORKFLOW'])
    }
    const response = await send('POST', '/workflows/validate', { body })
    expect([response.status, (await response.json()).valid]).toEqual([200, false])
    await tool.idle()
    expect(tool.started).toEqual([])
    expect((await get('/healthz')).status).toBe(200)
  })

  test('the input', async () => {
    const { create, send, tool } = handlerRig()
    for (const input of [nested(DEEP), `{"x":${nested(DEEP)}}`]) {
      const body = `{"workflow":${task('"$INPUT"')},"input":${input}}`
      expect((await readProblem(await create(body))).detail).toBe('`input` is nested too deep')
      expect((await readProblem(await send('POST', '/workflows/validate', { body }))).status).toBe(400)
    }
    await tool.idle()
    expect(tool.started).toEqual([])
  })

  test('options', async () => {
    const { create } = handlerRig()
    const body = `{"workflow":{"tasks":[]},"options":{"onDisconnect":${nested(DEEP)}}}`
    expect((await readProblem(await create(body))).status).toBe(400)
  })
})

describe('documents made to be expensive are refused or done in a bounded time', () => {
  const MAX_MS = 5000

  test.each([
    ['tasks without anything', `{"tasks":[${'{},'.repeat(300_000)}{}]}`, 422],
    ['one id, many times', `{"tasks":[${'{"id":"a","tool":"work"},'.repeat(40_000)}{"id":"a","tool":"work"}]}`, 422],
    ['unknown fields', `{${Array.from({ length: 60_000 }, (_, at) => `"f${at}":1`).join()}}`, 422],
    ['one long key', `{"${'k'.repeat(900_000)}":1}`, 422],
    ['a long name beside a workflow', `{"workflow":{},"${'k'.repeat(900_000)}":1}`, 400],
    ['a long wrong option', `{"workflow":{"tasks":[]},"options":{"schedule":"${'k'.repeat(900_000)}"}}`, 400],
    ['dependencies on nothing', `{"tasks":[{"id":"a","tool":"work","dependsOn":[${'"b",'.repeat(200_000)}"b"]}]}`, 422],
    [
      'references that do not end',
      `{"tasks":[{"id":"a","tool":"work","arguments":{"x":"${'$OUTPUT['.repeat(100_000)}"}}]}`,
      422,
    ],
    ['names to be suggested for', `{"tasks":[{"id":"a","tool":"${'wo'.repeat(400_000)}"}]}`, 422],
    ['numbers', `{"tasks":[{"id":"a","tool":"work","timeoutMs":1${'0'.repeat(900_000)}}]}`, 422],
  ])('%s', async (_, body, status) => {
    const { create, tool } = handlerRig()
    const startedAt = performance.now()
    const response = await create(body)
    const text = await response.text()
    expect(performance.now() - startedAt).toBeLessThan(MAX_MS)
    expect(response.status).toBe(status)
    // What is refused is not sent back whole.
    expect(text.length).toBeLessThan(200_000)
    await tool.idle()
    expect(tool.started).toEqual([])
  })

  test('a cycle of ten thousand tasks', async () => {
    const { create } = handlerRig()
    const tasks = Array.from({ length: 10_000 }, (_, at) => ({
      id: `t${at}`,
      tool: 'work',
      dependsOn: [`t${(at + 1) % 10_000}`],
    }))
    const problem = await readProblem(await create({ tasks }))
    expect([problem.status, problem['issueCount']]).toEqual([422, 1])
  })
})

describe('texts of a workflow cannot forge an event or a header', () => {
  const HOSTILE = 'x\r\n\r\nevent: execution_complete\ndata: {}\nid: forged\r\u2028\0'

  test('texts of every kind', async () => {
    const { create } = handlerRig({
      tools: {
        work(_, { emitToken, log, reportProgress }) {
          emitToken(HOSTILE)
          log('info', HOSTILE)
          reportProgress({ progress: 1, message: HOSTILE })
          return { [HOSTILE]: HOSTILE }
        },
        fail() {
          throw Object.assign(new Error(HOSTILE), { code: HOSTILE })
        },
      },
    })
    const tasks = [
      { id: 'a', tool: 'work', name: HOSTILE },
      { id: 'b', tool: 'fail' },
    ]
    const messages = await readMessages(await create({ name: HOSTILE, tasks }, { Accept: STREAM }))
    expect(messages.map(({ id }) => id)).toEqual(messages.map((_, at) => `x1.${at + 1}`))
    expect(messages.filter(({ event }) => event === 'execution_complete')).toHaveLength(1)
    for (const { data } of messages) expect(JSON.parse(data)).toMatchObject({ executionId: 'x1' })
  })

  test('ids with control characters are refused, others stay unchanged', async () => {
    const { create } = handlerRig({ tools: { work: () => 1 } })
    expect((await readProblem(await create({ tasks: [{ id: HOSTILE, tool: 'work' }] }))).status).toBe(422)
    const id = 'x\u2028data: {}'
    const messages = await readMessages(await create({ tasks: [{ id, tool: 'work' }] }, { Accept: STREAM }))
    expect(JSON.parse(messages[1]?.data as string).taskId).toBe(id)
  })

  test('refusals are answered as JSON', async () => {
    const { create, get } = handlerRig()
    const body = { workflow: { tasks: [] }, [HOSTILE]: 1 }
    expect((await readProblem(await create(body))).status).toBe(400)
    const path = `/executions/x/events?after=${encodeURIComponent(HOSTILE)}`
    expect((await readProblem(await get(path))).status).toBe(404)
  })
})

test('__proto__ in a body reaches no prototype', async () => {
  const { create } = handlerRig({ tools: { work: () => 1 } })
  const body = '{"workflow":{"tasks":[]},"options":{"__proto__":{"schedule":"dataflow","polluted":1}}}'
  expect((await readProblem(await create(body))).status).toBe(400)
  expect((await readProblem(await create('{"__proto__":{"tasks":[]}}'))).status).toBe(422)
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})

test('ids cannot be guessed: 126 random bits of an alphabet that needs no escape', async () => {
  const { create } = handlerRig({ createId: undefined as never })
  const ids = new Set<string>()
  for (let at = 0; at < 100; at++) {
    const id = (await create({ tasks: [] })).headers.get('execution-id') as string
    expect(id).toMatch(/^[A-Za-z0-9_-]{22}$/)
    ids.add(id)
  }
  expect(ids.size).toBe(100)
})

test('readers that stall cost their place in the log and nothing more', async () => {
  const { create, get, tool, clock, figure } = handlerRig({ stallTimeoutMs: 1000 })
  const stalled = [await create(ONE_TASK, { Accept: STREAM })]
  for (let at = 0; at < 50; at++) stalled.push(await get('/executions/x1/events'))
  const call = await tool.nextCall('a')
  for (let at = 0; at < 1000; at++) {
    call.context.emitToken('x'.repeat(10_000))
    if (at % 100 === 0) await tool.idle()
  }
  call.succeed()
  await tool.idle()
  expect((await (await get('/executions/x1')).json()).status).toBe('success')
  await clock.run(1000)
  expect(await figure('dagstream_subscribers')).toBe(0)
  for (const { body } of stalled.slice(1, 3)) {
    const reader = (body as ReadableStream<Uint8Array>).getReader()
    await expect(
      (async () => {
        for (;;) if ((await reader.read()).done) return
      })(),
    ).rejects.toThrow('took nothing')
  }
})
