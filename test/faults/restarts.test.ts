import type { ClientEvent } from 'dagstream/client'
import { expect, onTestFinished, test } from 'vitest'
import { chain } from '../support/workflows.ts'
import { collect, ONE_TASK } from '../client/client-rig.ts'
import { type FaultRig, type FaultRigOptions, startFaultRig } from './fault-rig.ts'
import { eventually, leavesNoHandles } from './handles.ts'
import { requestText, sendRaw } from './raw-connection.ts'
import { EVERYTHING, EVERYTHING_TOOLS, range, readMessages, readWhole, seqsOf, toLines } from './recording.ts'

// Servers that go and come back, while what they know stays in one store.

leavesNoHandles()

/** Another server over the same store, in the place of one that has stopped. */
async function startAgain(rig: FaultRig, options: FaultRigOptions = {}): Promise<FaultRig> {
  const { store, port, proxy } = rig
  const second = await startFaultRig({ store, server: { port }, ...options })
  // Its connections are this server's now, and end before it is looked whether any are left.
  onTestFinished(() => proxy.close())
  return second
}

test('a finished execution is resumed across a restart, through refused and reset connections', async () => {
  const rig = await startFaultRig({ tools: EVERYTHING_TOOLS })
  const executionId = await rig.begin(EVERYTHING)
  await eventually('the executions', () => rig.figure('dagstream_executions_running'), 0)
  const lines = toLines(await readWhole(rig, executionId))
  const { proxy } = rig
  let second: FaultRig | undefined
  const errors: unknown[] = []
  const client = rig.connect({
    reconnection: {
      initialDelayMs: 0,
      maxRetries: 10,
      onReconnect: async ({ attempt, error }) => {
        errors.push(error)
        // Nobody listens behind the proxy; then the proxy itself refuses; then there is a server again.
        if (attempt === 1) await rig.stop()
        if (attempt === 3) proxy.refuse()
        if (attempt === 5) second = await startAgain(rig, { tools: EVERYTHING_TOOLS })
        if (attempt === 5) await proxy.accept()
      },
    },
  })
  proxy.plan({ direction: 'down', afterBytes: 1500, how: 'reset' })
  expect(toLines(await collect(client.subscribe(executionId)))).toEqual(lines)
  expect(errors.length).toBe(5)
  // Asked anew, the other server tells the same.
  expect(toLines(await readWhole(second as FaultRig, executionId))).toEqual(lines)
  expect((await client.subscribe(executionId).result).status).toBe('partial')
})

test('a server that shuts down notifies its readers, and its successor has the result', async () => {
  const rig = await startFaultRig()
  const client = rig.connect({ reconnection: { initialDelayMs: 20, factor: 1, maxRetries: 500 } })
  const run = client.stream(chain(2))
  const reading = collect(run)
  const one = await rig.call('t0')
  one.context.signal.addEventListener('abort', () => one.fail())
  const stopping = rig.stop()
  const events = await reading
  rig.proxy.refuse()
  await rig.proxy.break('close')
  // It is asked for while nobody is there to answer.
  const { result } = run
  await stopping
  expect(events.at(-1)).toMatchObject({
    type: 'execution_complete',
    data: { status: 'cancelled', reason: { code: 'SHUTDOWN' }, cancelledCount: 2 },
  })
  expect(seqsOf(events)).toEqual(range(1, events.length))
  const second = await startAgain(rig)
  await rig.proxy.accept()
  expect(await result).toMatchObject({ status: 'cancelled', reason: { code: 'SHUTDOWN' } })
  expect(toLines(await readWhole(second, await run.executionId))).toEqual(toLines(events))
  expect(second.tool.started).toEqual([])
})

/** A server whose process is gone for everybody else, with an execution in the middle; and its successor. */
async function crash(rig: FaultRig): Promise<FaultRig> {
  rig.proxy.refuse()
  await rig.proxy.break('reset')
  const second = await startFaultRig({ store: rig.store })
  rig.proxy.targetPort = second.port
  onTestFinished(() => rig.proxy.close())
  await rig.proxy.accept()
  return second
}

test('an execution after a crash is reported as interrupted until the client gives up: nothing lost, doubled or run again', async () => {
  const rig = await startFaultRig()
  const client = rig.connect({ reconnection: { initialDelayMs: 0, maxRetries: 4 } })
  const run = client.stream(ONE_TASK)
  const items: ClientEvent[] = []
  const reading = (async () => {
    for await (const event of run) items.push(event)
  })()
  reading.catch(() => {})
  const a = await rig.call('a')
  a.context.emitToken('half')
  await eventually('the events', () => items.length, 3)
  const second = await crash(rig)
  await expect(reading).rejects.toMatchObject({ code: 'CONNECTION_LOST', attempts: 5 })
  const logged = items.filter(({ type }) => type !== 'error')
  const faults = items.filter(({ type }) => type === 'error')
  expect(seqsOf(logged)).toEqual([1, 2, 3])
  expect(faults.length).toBeGreaterThan(0)
  expect(new Set(faults.map(({ id, data }) => `${id} ${(data as { code: string }).code}`))).toEqual(
    new Set(['undefined INTERRUPTED']),
  )
  expect([rig.tool.started, second.tool.started]).toEqual([['a'], []])
  // The process that was thought dead comes to its end: the rest is there, exactly.
  a.succeed('done')
  await eventually('the executions', () => rig.figure('dagstream_executions_running'), 0)
  const last = logged.at(-1)?.id as string
  const rest = await collect(client.subscribe(await run.executionId, { after: last }))
  expect(toLines([...logged, ...rest])).toEqual(toLines(await readWhole(second, await run.executionId)))
  expect((await client.subscribe(await run.executionId).result).status).toBe('success')
})

test('the same key finds an interrupted execution again instead of running it a second time', async () => {
  const rig = await startFaultRig()
  const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'k', Prefer: 'respond-async' }
  const body = JSON.stringify(ONE_TASK)
  const first = await sendRaw(rig.port, requestText('POST', '/executions', headers, body))
  const { executionId } = JSON.parse(first.body.toString()) as { executionId: string }
  const a = await rig.call('a')
  const second = await crash(rig)
  const { Prefer: _, ...waiting } = headers
  const stream = await sendRaw(
    second.port,
    requestText('POST', '/executions', { ...waiting, Accept: 'text/event-stream' }, body),
  )
  expect(stream.headers.get('execution-id')).toBe(executionId)
  expect(readMessages(stream.body).map(({ id, event }) => [id, event])).toEqual([
    [`${executionId}.1`, 'execution_start'],
    [`${executionId}.2`, 'task_start'],
    [undefined, 'error'],
  ])
  const result = await sendRaw(second.port, requestText('POST', '/executions', waiting, body))
  expect([result.status, result.headers.get('retry-after'), JSON.parse(result.body.toString())]).toMatchObject([
    503,
    '1',
    { code: 'INTERRUPTED' },
  ])
  expect(result.headers.get('execution-id')).toBe(executionId)
  const shown = await sendRaw(second.port, requestText('GET', `/executions/${executionId}`))
  expect(JSON.parse(shown.body.toString())).toEqual({ executionId, status: 'running' })
  const cancelled = await sendRaw(second.port, requestText('POST', `/executions/${executionId}/cancel`))
  expect([cancelled.status, JSON.parse(cancelled.body.toString())]).toMatchObject([409, { code: 'INTERRUPTED' }])
  expect(second.tool.started).toEqual([])
  a.succeed()
})
