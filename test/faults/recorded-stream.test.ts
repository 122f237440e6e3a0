import { createMemoryStore } from '../../src/index.ts'
import { expect, test } from 'vitest'
import { collect } from '../client/client-rig.ts'
import { sample } from '../support/long-form.ts'
import { type FaultRig, type FaultRigOptions, startFaultRig } from './fault-rig.ts'
import { eventually, leavesNoHandles } from './handles.ts'
import { forEachPlace } from './lanes.ts'
import { RawConnection, requestText } from './raw-connection.ts'
import { parseAnswer } from './raw-answer.ts'
import { EVERYTHING, EVERYTHING_TOOLS, range, readMessages, readWhole, seqsOf, toLines } from './recording.ts'

// The stream of a finished execution, cut everywhere.

leavesNoHandles()

/** Thousands of connections, beside whatever else the machine does. */
const SLOW = { timeout: 90_000 }

interface Recorded {
  readonly rig: FaultRig
  readonly executionId: string
  readonly path: string
  /** What every reader has to have in the end. */
  readonly lines: readonly string[]
  /** The whole answer as it goes over the wire, its head included. */
  readonly wire: Buffer
}

async function record(options: FaultRigOptions = {}): Promise<Recorded> {
  const rig = await startFaultRig({ tools: EVERYTHING_TOOLS, ...options })
  const executionId = await rig.begin(EVERYTHING)
  await eventually('the executions', () => rig.figure('dagstream_executions_running'), 0)
  return readRecorded(rig, executionId)
}

async function readRecorded(rig: FaultRig, executionId: string): Promise<Recorded> {
  const path = `/executions/${executionId}/events`
  const lines = toLines(await readWhole(rig, executionId))
  const connection = await RawConnection.open(rig.port)
  connection.send(requestText('GET', path))
  await connection.until(received => parseAnswer(received, false).isComplete)
  const wire = connection.received
  connection.destroy()
  return { rig, executionId, path, lines, wire }
}

/** The places around the end of each event. */
function boundariesOf(wire: Buffer): number[] {
  const boundaries: number[] = []
  for (let at = wire.indexOf('\n\n'); at !== -1; at = wire.indexOf('\n\n', at + 1)) {
    boundaries.push(at, at + 1, at + 2, Math.min(at + 3, wire.length))
  }
  return boundaries
}

/**
 * Cuts the stream behind so many bytes, then resumes with the last id of what came, as any client of the standard does; at
 * each place.
 */
async function cutEverywhere({ rig, path, lines }: Recorded, places: readonly number[]): Promise<void> {
  await forEachPlace(rig, places, async (place, { proxy, direct }) => {
    proxy.plan({ direction: 'down', afterBytes: place, how: place % 2 === 0 ? 'reset' : 'close' })
    const connection = await RawConnection.open(proxy.port)
    connection.send(requestText('GET', path))
    await connection.ended
    const { received } = connection
    connection.destroy()
    const first = readMessages(parseAnswer(received, true).body)
    const id = first.at(-1)?.id
    direct.send(requestText('GET', path, id === undefined ? {} : { 'Last-Event-ID': id }))
    const { status, isComplete, body } = await direct.answer()
    // A 204 says that nothing is left.
    const expected = first.length === lines.length ? 204 : 200
    expect([received.length, isComplete, status]).toEqual([place, true, expected])
    expect(toLines([...first, ...readMessages(body)]), `cut at ${place}`).toEqual(lines)
  })
}

test('a recorded stream has every type of event, and ids without a gap', async () => {
  const { rig, executionId, wire } = await record()
  const messages = await readWhole(rig, executionId)
  const types = ['execution_start', 'task_start', 'task_progress', 'token', 'info', 'metrics', 'token_usage']
  expect(new Set(messages.map(({ event }) => event))).toEqual(
    new Set([...types, 'task_retry', 'task_complete', 'execution_complete']),
  )
  expect(seqsOf(messages)).toEqual(range(1, messages.length))
  expect(wire.includes('outputPath')).toBe(true)
})

test('cut at any byte and resumed with the last id, a recorded stream gives each event once', SLOW, async () => {
  const recorded = await record()
  await cutEverywhere(recorded, [...sample(range(1, recorded.wire.length)), ...boundariesOf(recorded.wire)])
})

test('cut at any place, a stream that begins with a snapshot continues after it', SLOW, async () => {
  const store = createMemoryStore({ maxTailEvents: 8 })
  const { executionId } = await record({ store })
  // Another server, which never had the events that the store has let go.
  const recorded = await readRecorded(await startFaultRig({ store }), executionId)
  expect(recorded.lines[0]).toContain('"seq":')
  await cutEverywhere(recorded, sample(range(1, recorded.wire.length, 3)))
})

for (const isOld of [false, true]) {
  const where = isOld ? 'behind a proxy for which a cut is the end' : 'anywhere'
  test(`cut ${where}, a client gives each event once, in order`, SLOW, async () => {
    const { rig, executionId, wire, lines } = await record()
    const places = [...sample(range(0, wire.length, 7)), ...boundariesOf(wire)]
    await forEachPlace(rig, places, async (place, { proxy, client }) => {
      proxy.isOld = isOld
      proxy.plan({ direction: 'down', afterBytes: place, how: place % 2 === 0 && !isOld ? 'reset' : 'close' })
      expect(toLines(await collect(client.subscribe(executionId))), `cut at ${place}`).toEqual(lines)
      expect(proxy.isPlanTaken).toBe(true)
    })
  })
}

test('cut again and again, each time a little later, a client still gives each event once', async () => {
  const { rig, executionId, wire, lines } = await record()
  for (const how of ['reset', 'close', 'end'] as const) {
    const faults = range(1, wire.length, 97).map(afterBytes => ({ direction: 'down' as const, afterBytes, how }))
    rig.proxy.plan(...faults)
    const before = rig.proxy.exchangeCount
    expect(toLines(await collect(rig.connect().subscribe(executionId))), how).toEqual(lines)
    expect(rig.proxy.exchangeCount - before).toBeGreaterThan(10)
    // What is left of the plan: answers grow shorter as the reader gets further.
    rig.proxy.forget()
  }
})

test('a stream that comes one byte at a time is the same stream', async () => {
  const { rig, executionId, lines } = await record()
  rig.proxy.pace = { pieceBytes: 1 }
  expect(toLines(await collect(rig.connect().subscribe(executionId)))).toEqual(lines)
  rig.proxy.pace = { pieceBytes: 400, delayMs: 2 }
  expect(toLines(await collect(rig.connect().subscribe(executionId)))).toEqual(lines)
})
