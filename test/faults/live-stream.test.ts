import { expect, test } from 'vitest'
import type { ClientEvent } from 'dagstream/client'
import type { DAGStructure } from '../../src/index.ts'
import { outline } from '../support/outline.ts'
import type { Break, Direction } from './fault-proxy.ts'
import { type FaultRig, startFaultRig } from './fault-rig.ts'
import { eventually, leavesNoHandles } from './handles.ts'
import { RawConnection, requestText } from './raw-connection.ts'
import { parseAnswer } from './raw-answer.ts'
import { range, readMessages, readWhole, seqsOf, toLines } from './recording.ts'

// An execution that continues while its readers are disconnected, after every event.

leavesNoHandles()

const CHAIN: DAGStructure = {
  tasks: [
    { id: 'a', tool: 'work' },
    { id: 'b', tool: 'work', dependsOn: ['a'], retry: { maxAttempts: 2, initialDelayMs: 0 } },
  ],
}

/** What happens next once an event has been seen, so that it happens while its readers are away. */
type Script = (readonly [seen: string, act: () => void | Promise<void>])[]

/** Drives `CHAIN` through every type of event, one after another. */
function script({ call }: FaultRig): Script {
  const a = call('a')
  return [
    ['task_start a', async () => (await a).context.emitToken('eins ☃')],
    ['token a', async () => (await a).context.emitToken('zwei')],
    ['token a', async () => (await a).context.reportProgress({ progress: 1 })],
    ['task_progress a', async () => (await a).context.log('info', 'half')],
    ['info a', async () => (await a).context.reportUsage({ totalTokensIn: 1 })],
    ['info a', async () => (await a).succeed('done')],
    ['task_start b', async () => (await call('b')).fail()],
    ['task_start b 2', async () => (await call('b')).succeed({ done: true })],
  ]
}

/** Does what is due after each event. Two steps that wait for the same event happen one after the other. */
async function play(steps: Script, seen: string): Promise<void> {
  while (steps[0]?.[0] === seen) {
    await (steps.shift() as Script[number])[1]()
    // Tokens of one turn are one event; each kind is to be one of its own.
    if (seen === 'token a') break
  }
}

const BREAKS: readonly (readonly [how: Break, direction: Direction, name: string])[] = [
  ['reset', 'down', 'reset'],
  ['close', 'down', 'closed on both sides'],
  ['end', 'down', 'half-closed towards the client'],
  ['end', 'up', 'half-closed towards the server'],
]

for (const [how, direction, name] of BREAKS) {
  test(`${name} after every event, a live stream loses and repeats nothing, and nothing runs twice`, async () => {
    const rig = await startFaultRig()
    const { proxy, tool } = rig
    const run = rig.connect().stream(CHAIN)
    const steps = script(rig)
    const seen: ClientEvent[] = []
    for await (const event of run) {
      seen.push(event)
      await proxy.break(how, direction)
      await play(steps, outline([event])[0] as string)
    }
    const executionId = await run.executionId
    expect(steps).toEqual([])
    expect(toLines(seen)).toEqual(toLines(await readWhole(rig, executionId)))
    expect(seqsOf(seen)).toEqual(range(1, seen.length))
    expect(new Set(seen.map(({ type }) => type)).size).toBe(10)
    expect(proxy.exchangeCount).toBeGreaterThanOrEqual(8)
    expect(tool.started).toEqual(['a', 'b', 'b'])
    expect(await run.result).toMatchObject({ executionId, status: 'success', successCount: 2 })
  })
}

test('readers that are all cut off at the events of each other see the same', async () => {
  const rig = await startFaultRig()
  const client = rig.connect()
  const executionId = await rig.begin(CHAIN)
  const steps = script(rig)
  const readers = range(1, 5).map(async number => {
    const seen: ClientEvent[] = []
    for await (const event of client.subscribe(executionId)) {
      seen.push(event)
      // Each reader cuts all off, at events of its own.
      if (seen.length % 5 === number - 1) void rig.proxy.break('reset')
      if (number === 1) await play(steps, outline([event])[0] as string)
    }
    return toLines(seen)
  })
  const whole = await Promise.all(readers)
  const expected = toLines(await readWhole(rig, executionId))
  expect(whole).toEqual(range(1, 5).map(() => expected))
})

test('a reader that closes its side in the middle of a stream is disconnected, and comes back to the rest', async () => {
  const rig = await startFaultRig()
  const executionId = await rig.begin(CHAIN)
  const path = `/executions/${executionId}/events`
  const a = await rig.call('a')
  const connection = await RawConnection.open(rig.port)
  connection.send(requestText('GET', path))
  await connection.until(received => received.includes('event: task_start'))
  connection.socket.end()
  await connection.ended
  const first = readMessages(parseAnswer(connection.received, true).body)
  await eventually('the subscribers', () => rig.figure('dagstream_subscribers'), 0)
  await eventually('the sockets of the server', rig.socketCount, 0)
  a.succeed()
  ;(await rig.call('b')).succeed()
  const again = await RawConnection.open(rig.port)
  again.send(requestText('GET', path, { 'Last-Event-ID': first.at(-1)?.id ?? '' }))
  const second = readMessages((await again.answer()).body)
  again.destroy()
  connection.destroy()
  expect(toLines([...first, ...second])).toEqual(toLines(await readWhole(rig, executionId)))
})

test('readers that come and vanish by the hundred leave no subscriber and no socket', async () => {
  const rig = await startFaultRig()
  const executionId = await rig.begin(CHAIN)
  const a = await rig.call('a')
  for (const how of ['reset', 'close', 'end'] as const) {
    const connections = await Promise.all(range(1, 100).map(() => RawConnection.open(rig.proxy.port)))
    for (const connection of connections) connection.send(requestText('GET', `/executions/${executionId}/events`))
    // Half of them leave before they are answered.
    for (const connection of connections.slice(50)) await connection.until(received => received.length > 0)
    void rig.proxy.break(how, 'up')
    for (const connection of connections) connection.destroy()
    await eventually(`the subscribers after ${how}`, () => rig.figure('dagstream_subscribers'), 0)
    await eventually(`the sockets after ${how}`, rig.socketCount, 0)
  }
  a.succeed()
  ;(await rig.call('b')).succeed()
  await eventually('the executions', () => rig.figure('dagstream_executions_running'), 0)
  expect(seqsOf(await readWhole(rig, executionId))).toEqual(range(1, 6))
})
