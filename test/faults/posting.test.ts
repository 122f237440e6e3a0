import { expect, test } from 'vitest'
import type { ExecutionResult } from '../../src/index.ts'
import { collect, ONE_TASK } from '../client/client-rig.ts'
import { sample } from '../support/long-form.ts'
import type { Break } from './fault-proxy.ts'
import { type FaultRig, startFaultRig } from './fault-rig.ts'
import { eventually, leavesNoHandles } from './handles.ts'
import { forEachPlace } from './lanes.ts'
import { RawConnection, requestText, sendRaw } from './raw-connection.ts'
import { EVERYTHING, EVERYTHING_TOOLS, range, seqsOf } from './recording.ts'

// Workflows that are handed in over connections that break: each runs once, and its result comes.

leavesNoHandles()

/** Hundreds of executions, beside whatever else the machine does. */
const SLOW = { timeout: 90_000 }

const HOWS: readonly Break[] = ['reset', 'close', 'end']

/** What is the same in every execution of a workflow. */
function outcome({ status, results, errors }: ExecutionResult): object {
  const outcomes = results.map(result => ({ ...result, executionTimeMs: 0, waitMs: 0 }))
  return { status, errors, results: outcomes }
}

/** A server whose tools count, by execution, how often each task was called. */
async function startCounting(): Promise<{ rig: FaultRig; calls: Map<string, number> }> {
  const calls = new Map<string, number>()
  const tools = Object.fromEntries(
    Object.entries(EVERYTHING_TOOLS).map(([name, execute]): [string, typeof execute] => [
      name,
      (args, context) => {
        const call = `${context.executionId} ${context.taskId} ${context.attempt}`
        calls.set(call, (calls.get(call) ?? 0) + 1)
        return execute(args, context)
      },
    ]),
  )
  return { rig: await startFaultRig({ tools }), calls }
}

/** Each workflow ran once: so many executions, five calls in each, none of them made twice. */
function expectRunOnce(calls: ReadonlyMap<string, number>, executionCount: number): void {
  expect(new Set(Array.from(calls.keys(), call => call.split(' ')[0])).size).toBe(executionCount)
  expect([calls.size, new Set(calls.values())]).toEqual([executionCount * 5, new Set([1])])
}

test('cut at any byte of the request, a workflow is handed in again and runs once', SLOW, async () => {
  const { rig, calls } = await startCounting()
  const client = rig.connect()
  const expected = outcome(await client.execute(EVERYTHING))
  const { up } = rig.proxy.lastPassed
  expect(up).toBeGreaterThan(400)
  // The last of them leaves the request whole, and its answer without a way.
  const places = sample(range(0, up))
  await forEachPlace(rig, places, async (place, lane) => {
    lane.proxy.plan({ direction: 'up', afterBytes: place, how: HOWS[place % 2] as Break })
    expect(outcome(await lane.client.execute(EVERYTHING)), `cut at ${place}`).toEqual(expected)
    expect(lane.proxy.isPlanTaken).toBe(true)
  })
  expectRunOnce(calls, places.length + 1)
})

test(
  'cut at any byte of the answer, its headers included, a result is the same and its workflow runs once',
  SLOW,
  async () => {
    const { rig, calls } = await startCounting()
    const client = rig.connect()
    const small = { tasks: [{ id: 'flaky', tool: 'flaky', retry: { maxAttempts: 2, initialDelayMs: 0 } }] }
    const expected = outcome(await client.execute(small))
    const { down } = rig.proxy.lastPassed
    expect(down).toBeGreaterThan(400)
    const places = sample(range(0, down))
    await forEachPlace(rig, places, async (place, lane) => {
      lane.proxy.plan({ direction: 'down', afterBytes: place, how: HOWS[place % 3] as Break })
      expect(outcome(await lane.client.execute(small)), `cut at ${place}`).toEqual(expected)
      // An answer may be a few digits shorter than the first one.
      lane.proxy.forget()
    })
    expect([calls.size, new Set(calls.values())]).toEqual([(places.length + 1) * 2, new Set([1])])
  },
)

test('a result that a proxy truncates silently is recognized as truncated', SLOW, async () => {
  const { rig, calls } = await startCounting()
  const expected = outcome(await rig.connect().execute(EVERYTHING))
  // Short of the large output, whose middle is like its beginning.
  const places = sample(range(0, 2000, 9))
  await forEachPlace(rig, places, async (place, lane) => {
    lane.proxy.isOld = true
    lane.proxy.plan({ direction: 'down', afterBytes: place, how: 'close' })
    expect(outcome(await lane.client.execute(EVERYTHING)), `cut at ${place}`).toEqual(expected)
    expect(lane.proxy.isPlanTaken).toBe(true)
  })
  expectRunOnce(calls, places.length + 1)
})

test('cut in the answer that is a stream, the rest is resumed and the workflow runs once', SLOW, async () => {
  const { rig, calls } = await startCounting()
  const client = rig.connect()
  const whole = await collect(client.stream(EVERYTHING))
  const { down } = rig.proxy.lastPassed
  const places = sample(range(0, down, 17))
  await forEachPlace(rig, places, async (place, lane) => {
    lane.proxy.plan({ direction: 'down', afterBytes: place, how: HOWS[place % 3] as Break })
    const events = await collect(lane.client.stream(EVERYTHING))
    expect(seqsOf(events), `cut at ${place}`).toEqual(range(1, whole.length))
    lane.proxy.forget()
  })
  expectRunOnce(calls, places.length + 1)
})

test('a request that is cut again and again runs its workflow once', async () => {
  const { rig, calls } = await startCounting()
  rig.proxy.plan(
    ...range(1, 20).map(() => ({ direction: 'down' as const, afterBytes: 0, how: 'reset' as const })),
    ...range(1, 20).map(place => ({ direction: 'down' as const, afterBytes: place * 20, how: 'close' as const })),
  )
  expect((await rig.connect().execute(EVERYTHING)).status).toBe('partial')
  expectRunOnce(calls, 1)
})

test('a server that is full or down is retried after the delay that it names', async () => {
  const refusals = ['0', '1', 'soon', undefined].flatMap(retryAfter =>
    [429, 503].map(
      status => new Response('busy', { status, headers: retryAfter ? { 'Retry-After': retryAfter } : {} }),
    ),
  )
  const times: number[] = []
  const rig = await startFaultRig({
    intercept: ({ url }) => {
      if (url.endsWith('/metrics')) return undefined
      times.push(performance.now())
      return refusals.shift()
    },
  })
  const waiting = rig.connect().execute(ONE_TASK)
  await eventually('the requests', () => times.length, 9)
  ;(await rig.call('a')).succeed('done')
  expect((await waiting).results[0]?.output).toBe('done')
  const pauses = times.slice(1).map((at, index) => at - (times[index] as number))
  // 0, 0, then one second for each of the two that asked for it; timers may fire a little early.
  expect(pauses.map(ms => ms > 990)).toEqual([false, false, true, true, false, false, false, false])
  expect(rig.tool.started).toEqual(['a'])
})

test('many who hand the same in at once, most of them cut off, share one execution', async () => {
  const rig = await startFaultRig()
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'same' }
  const request = requestText('POST', '/executions', headers, JSON.stringify(ONE_TASK))
  const connections = await Promise.all(range(1, 30).map(() => RawConnection.open(rig.port)))
  for (const [at, connection] of connections.entries()) {
    connection.send(request)
    if (at % 3 === 1) connection.destroy()
    if (at % 3 === 2) connection.socket.resetAndDestroy()
  }
  ;(await rig.call('a')).succeed('done')
  const stayed = connections.filter((_, at) => at % 3 === 0)
  const bodies = await Promise.all(stayed.map(async each => (await each.answer()).body.toString().trim()))
  for (const connection of stayed) connection.destroy()
  expect(new Set(bodies).size).toBe(1)
  expect(JSON.parse(bodies[0] as string)).toMatchObject({ status: 'success' })
  expect(rig.tool.started).toEqual(['a'])
})

test('a client that closes its side after the request may lose the answer, not the execution', async () => {
  const rig = await startFaultRig()
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'k' }
  const request = requestText('POST', '/executions', headers, JSON.stringify(ONE_TASK))
  const connection = await RawConnection.open(rig.port)
  connection.send(request)
  connection.socket.end()
  const a = await rig.call('a')
  await connection.ended
  connection.destroy()
  a.succeed('done')
  const answer = await sendRaw(rig.port, request)
  expect(JSON.parse(answer.body.toString())).toMatchObject({ status: 'success', results: [{ output: 'done' }] })
  expect(rig.tool.started).toEqual(['a'])
})

test('half a request starts nothing, whatever becomes of it', async () => {
  const rig = await startFaultRig()
  const request = requestText('POST', '/executions', { 'Content-Type': 'application/json' }, JSON.stringify(ONE_TASK))
  for (const how of ['end', 'destroy', 'resetAndDestroy'] as const) {
    for (const bytes of [1, 20, request.indexOf('\r\n\r\n') + 4, request.length - 1]) {
      const connection = await RawConnection.open(rig.port)
      connection.send(request.slice(0, bytes))
      connection.socket[how]()
      await connection.ended
      connection.destroy()
    }
  }
  await eventually('the sockets of the server', rig.socketCount, 0)
  expect(rig.tool.started).toEqual([])
  expect(await rig.figure('dagstream_executions_running')).toBe(0)
})
