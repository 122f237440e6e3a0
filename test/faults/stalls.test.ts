import { expect, test } from 'vitest'
import { createMemoryStore, type DAGStructure } from '../../src/index.ts'
import { fan } from '../support/workflows.ts'
import { collect, ONE_TASK } from '../client/client-rig.ts'
import { startFaultRig } from './fault-rig.ts'
import { eventually, leavesNoHandles } from './handles.ts'
import { RawConnection, requestText } from './raw-connection.ts'
import { parseAnswer } from './raw-answer.ts'
import { range, readMessages, readWhole, seqsOf, toLines } from './recording.ts'

// Connections that stay open and carry nothing. What is short here stands for what takes half a minute by default.

leavesNoHandles()

/** 18 MiB of events: more than the system itself takes for a reader that does not read. */
const MANY: DAGStructure = fan(300)
const OUTPUT = 'x'.repeat(60 * 1024)
/** Room for all of it, so that nobody needs a snapshot. */
const createRoomyStore = () => createMemoryStore({ maxTailBytes: 64 * 1024 * 1024 })

test('a stream that falls silent in the middle is given up and resumed, again and again', async () => {
  const rig = await startFaultRig({ heartbeatMs: 30 })
  const run = rig.connect({ idleTimeoutMs: 120 }).stream(ONE_TASK)
  const calling = rig.call('a')
  const reading = (async () => {
    const texts: string[] = []
    const seqs: (string | undefined)[] = []
    for await (const event of run) {
      seqs.push(event.id?.split('.')[1])
      if (event.type !== 'task_start' && event.type !== 'token') continue
      if (event.type === 'token') texts.push(event.data.text)
      await rig.proxy.break('stall')
      const a = await calling
      if (texts.length === 4) a.succeed('done')
      else a.context.emitToken(`${texts.length}`)
    }
    return { texts, seqs }
  })()
  const { texts, seqs } = await reading
  expect(texts).toEqual(['0', '1', '2', '3'])
  expect(seqs.map(Number)).toEqual(range(1, seqs.length))
  expect(rig.proxy.exchangeCount).toBeGreaterThanOrEqual(6)
  expect(rig.tool.started).toEqual(['a'])
})

test('heartbeats alone keep a stream alive through many idle times', async () => {
  const rig = await startFaultRig({ heartbeatMs: 30 })
  const run = rig.connect({ idleTimeoutMs: 120 }).stream(ONE_TASK)
  const reading = collect(run)
  const a = await rig.call('a')
  await eventually('the heartbeats', () => Math.min(15, Math.floor(rig.proxy.lastPassed.down / 60)), 15)
  a.succeed()
  expect(seqsOf(await reading)).toEqual([1, 2, 3, 4])
  expect(rig.proxy.exchangeCount).toBe(1)
})

test('a workflow whose request or answer is stuck on the way is handed in again, and runs once', async () => {
  const rig = await startFaultRig({ heartbeatMs: 30 })
  rig.proxy.plan(
    { direction: 'up', afterBytes: 0, how: 'stall' },
    { direction: 'up', afterBytes: 60, how: 'stall' },
    { direction: 'down', afterBytes: 0, how: 'stall' },
    { direction: 'down', afterBytes: 40, how: 'stall' },
  )
  const waiting = rig.connect({ idleTimeoutMs: 120 }).execute(ONE_TASK)
  await eventually('the requests', () => rig.proxy.exchangeCount, 5)
  ;(await rig.call('a')).succeed('done')
  expect(await waiting).toMatchObject({ status: 'success', results: [{ output: 'done' }] })
  expect(rig.tool.started).toEqual(['a'])
})

test('a reader that does not read is disconnected after the stall time, slows nobody, and resumes without loss', async () => {
  const store = createRoomyStore()
  const rig = await startFaultRig({ tools: { work: () => OUTPUT }, store, stallTimeoutMs: 200 })
  const connection = await RawConnection.open(rig.port)
  const headers = { Accept: 'text/event-stream', 'Content-Type': 'application/json' }
  connection.socket.pause()
  connection.send(requestText('POST', '/executions', headers, JSON.stringify(MANY)))
  await eventually('the executions that succeeded', () => rig.figure('dagstream_executions_total{status="success"}'), 1)
  await eventually('the subscribers', () => rig.figure('dagstream_subscribers'), 0)
  await eventually('the sockets of the server', rig.socketCount, 0)
  connection.socket.resume()
  await connection.ended
  const broken = parseAnswer(connection.received, true)
  const first = readMessages(broken.body)
  const executionId = broken.headers.get('execution-id') as string
  expect([broken.isComplete, first.length > 10, first.length < 602]).toEqual([false, true, true])
  const again = await RawConnection.open(rig.port)
  const last = first.at(-1)?.id as string
  again.send(requestText('GET', `/executions/${executionId}/events`, { 'Last-Event-ID': last, Connection: 'close' }))
  await again.ended
  const second = readMessages(parseAnswer(again.received, true).body)
  expect(seqsOf([...first, ...second])).toEqual(range(1, 602))
  for (const each of [connection, again]) each.destroy()
})

test('a client that waits for a result and does not take it is disconnected too', async () => {
  const rig = await startFaultRig({ tools: { work: () => OUTPUT }, store: createRoomyStore(), stallTimeoutMs: 200 })
  const connection = await RawConnection.open(rig.port)
  connection.socket.pause()
  const headers = { Accept: 'application/json', 'Content-Type': 'application/json' }
  connection.send(requestText('POST', '/executions', headers, JSON.stringify(MANY)))
  await eventually('the executions that succeeded', () => rig.figure('dagstream_executions_total{status="success"}'), 1)
  await eventually('the sockets of the server', rig.socketCount, 0)
  connection.socket.resume()
  await connection.ended
  expect(parseAnswer(connection.received, true).isComplete).toBe(false)
  connection.destroy()
})

test('a client whose reader falls asleep wakes up to every event, once', async () => {
  const rig = await startFaultRig({ tools: { work: () => OUTPUT }, store: createRoomyStore(), stallTimeoutMs: 150 })
  const run = rig.connect().stream(MANY)
  const events = run[Symbol.asyncIterator]()
  const seen = [(await events.next()).value]
  await eventually('the subscribers', () => rig.figure('dagstream_subscribers'), 0)
  for (let step = await events.next(); step.done !== true; step = await events.next()) seen.push(step.value)
  expect(seqsOf(seen as { id?: string }[])).toEqual(range(1, 602))
})

test('a stalled connection that comes back to life continues where it was', async () => {
  const rig = await startFaultRig()
  const run = rig.connect().stream(ONE_TASK)
  const reading = collect(run)
  const a = await rig.call('a')
  a.context.emitToken('one')
  await rig.tool.idle()
  await rig.proxy.break('stall')
  a.succeed()
  await eventually('the executions', () => rig.figure('dagstream_executions_running'), 0)
  rig.proxy.resume()
  expect(toLines(await reading)).toEqual(toLines(await readWhole(rig, await run.executionId)))
  expect(rig.proxy.exchangeCount).toBe(1)
})

test('a client that never ends its request gets an answer and is disconnected', async () => {
  const rig = await startFaultRig({ server: { headersTimeoutMs: 100, requestTimeoutMs: 100 } })
  const [inHeaders, inBody] = [await RawConnection.open(rig.port), await RawConnection.open(rig.port)]
  inHeaders.send('POST /executions HTTP/1.1\r\nHost: local')
  const whole = requestText('POST', '/executions', { 'Content-Type': 'application/json' }, JSON.stringify(ONE_TASK))
  inBody.send(whole.slice(0, -5))
  for (const connection of [inHeaders, inBody]) {
    expect([(await connection.answer()).status, await connection.ended]).toEqual([408, undefined])
    connection.destroy()
  }
  await eventually('the sockets of the server', rig.socketCount, 0)
  expect(rig.tool.started).toEqual([])
})
