import { describe, expect, test } from 'vitest'
import { diamond } from '../../support/workflows.ts'
import {
  follow,
  type HandlerRig,
  handlerRig,
  ONE_TASK,
  readMessages,
  readProblem,
  seqsOf,
  STREAM,
} from './handler-rig.ts'

const WORKFLOW = diamond('a', ['b', 'c'], 'd')

/** The three ways to say where a stream is to go on. */
const WAYS: Readonly<Record<string, (rig: HandlerRig, cursor: string) => Promise<Response>>> = {
  'Last-Event-ID': ({ get }, cursor) => get('/executions/x1/events', { 'Last-Event-ID': cursor }),
  after: ({ get }, cursor) => get(`/executions/x1/events?after=${cursor}`),
  'POST with Last-Event-ID': ({ create }, cursor) => create(WORKFLOW, { 'Last-Event-ID': cursor, Accept: STREAM }),
}

describe.each(Object.entries(WAYS))('by %s', (_, resume) => {
  test('a stream continues after each event, while the execution runs and after it', async () => {
    const rig = handlerRig()
    const { tool } = rig
    const whole = await rig.follow(WORKFLOW)
    const continuations: { after: number; of: ReturnType<typeof follow> }[] = []
    const resumeEverywhere = async (): Promise<void> => {
      await tool.idle()
      for (let after = 0; after <= whole.messages.length; after++) {
        continuations.push({ after, of: follow(await resume(rig, `x1.${after}`)) })
      }
    }
    await resumeEverywhere()
    for (const id of ['a', 'b', 'c', 'd']) {
      const call = await tool.nextCall(id)
      call.context.emitToken(`${id} says`)
      await resumeEverywhere()
      call.succeed({ id })
    }
    await whole.ended
    const all = whole.messages
    expect(seqsOf(all)).toEqual(Array.from({ length: all.length }, (__, at) => at + 1))
    for (const { after, of } of continuations) {
      await of.ended
      expect(of.messages).toEqual(all.slice(after))
    }
    for (let after = 0; after < all.length; after++) {
      const response = await resume(rig, `x1.${after}`)
      expect([response.status, response.headers.get('execution-id')]).toEqual([200, 'x1'])
      expect(await readMessages(response)).toEqual(all.slice(after))
    }
    expect(tool.started).toEqual(['a', 'b', 'c', 'd'])
  })

  test('nothing is left after the end: 204', async () => {
    const rig = handlerRig()
    const { messages, ended } = await rig.follow(WORKFLOW)
    await rig.tool.succeedAll()
    await ended
    const response = await resume(rig, `x1.${messages.length}`)
    expect([response.status, response.body]).toEqual([204, null])
    expect([response.headers.get('execution-id'), response.headers.get('location')]).toEqual(['x1', '/executions/x1'])
    expect(rig.tool.started).toHaveLength(4)
  })

  test('a place that the log has not reached gets a snapshot, then the rest', async () => {
    const rig = handlerRig()
    const { messages, ended } = await rig.follow(WORKFLOW)
    ;(await rig.tool.nextCall('a')).succeed({ n: 1 })
    await rig.tool.nextCalls('b', 'c')
    const head = messages.length
    const ahead = follow(await resume(rig, 'x1.900'))
    await rig.tool.idle()
    expect(ahead.messages).toHaveLength(1)
    expect(ahead.messages[0]).toMatchObject({ event: 'snapshot', id: `x1.${head}` })
    expect(JSON.parse(ahead.messages[0]?.data as string)).toMatchObject({ seq: head, status: 'running' })
    await rig.send('POST', '/executions/x1/cancel')
    await rig.clock.run(2000)
    await Promise.all([ended, ahead.ended])
    expect(ahead.messages.slice(1)).toEqual(messages.slice(head))
    const after = await readMessages(await resume(rig, 'x1.900'))
    expect(after.map(({ event, id }) => [event, id])).toEqual([['snapshot', `x1.${messages.length}`]])
  })

  test.each(['x1', 'x1.', '1', 'x1.-1', 'x1.1.1', 'x1.01', 'x1.1e3', 'x1.1%20', '.1', 'x1.9999999999999999'])(
    '%j is answered with 400',
    async cursor => {
      const rig = handlerRig()
      await rig.begin(ONE_TASK)
      const problem = await readProblem(await resume(rig, cursor))
      expect(problem).toMatchObject({ status: 400, code: 'INVALID_EVENT_ID' })
      expect(rig.tool.started.length).toBeLessThan(2)
    },
  )
})

test('another execution’s id is answered with 400 before anything is sent', async () => {
  const { begin, get } = handlerRig()
  await begin(ONE_TASK)
  await begin(ONE_TASK)
  const problem = await readProblem(await get('/executions/x1/events', { 'Last-Event-ID': 'x2.1' }))
  expect(problem).toMatchObject({ status: 400, code: 'INVALID_EVENT_ID' })
  expect((await readProblem(await get('/executions/x1/events?after=x2.1'))).status).toBe(400)
})

test('the header wins over the query: an EventSource comes back to the URL it began with', async () => {
  const { create, get } = handlerRig({ tools: { work: () => 1 } })
  const all = await readMessages(await create(ONE_TASK, { Accept: STREAM }))
  const messages = await readMessages(await get('/executions/x1/events?after=x1.1', { 'Last-Event-ID': 'x1.3' }))
  expect(messages).toEqual(all.slice(3))
  expect((await get('/executions/x1/events?after=x1.1', { 'Last-Event-ID': `x1.${all.length}` })).status).toBe(204)
  expect((await get('/executions/x1/events?after=x1.1', { 'Last-Event-ID': 'x1.x' })).status).toBe(400)
})

describe('a POST that carries Last-Event-ID never executes anything', () => {
  test.each([
    ['x1.1', 404],
    ['nonsense', 400],
  ])('%j: %d', async (cursor, status) => {
    const { create, tool, get } = handlerRig()
    for (const accept of [STREAM, 'application/json']) {
      const response = await create(ONE_TASK, { 'Last-Event-ID': cursor, Accept: accept })
      expect((await readProblem(response)).status).toBe(status)
    }
    await tool.idle()
    expect([tool.started, await (await get('/executions')).json()]).toEqual([[], { executions: [] }])
  })
})

test('many who resume at once read the same bytes', async () => {
  const { get, follow: followNew, tool } = handlerRig()
  const whole = await followNew(WORKFLOW)
  const readers = await Promise.all(Array.from({ length: 20 }, async () => follow(await get('/executions/x1/events'))))
  await tool.succeedAll('é')
  await whole.ended
  for (const { messages, ended } of readers) {
    await ended
    expect(messages).toEqual(whole.messages)
  }
})
