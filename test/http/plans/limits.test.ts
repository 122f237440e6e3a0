import { connect } from 'node:net'
import { createMemoryStore, type ExecutionStore } from '../../../src/index.ts'
import { expect, onTestFinished, test } from 'vitest'
import { collectGarbage } from '../../support/collect-garbage.ts'
import { outlive } from '../../support/crash.ts'
import { idle } from '../../support/fake-clock.ts'
import { follow, type Following, handlerRig, readMessages, readProblem } from '../handler/handler-rig.ts'
import { socketRig, until } from '../security/socket-rig.ts'
import { HeldBody, sendPlan } from './held-body.ts'
import { line, PlanClient } from './plan-client.ts'

const tools = { work: { readOnly: true, execute: (args: unknown) => args } }
const KEY = { 'Idempotency-Key': 'k' }
const lastOf = ({ messages }: Following): unknown => JSON.parse(messages.at(-1)?.data ?? '{}')

test('a plan may take longer than any other request', async () => {
  const { server, open } = await socketRig({ tools }, { requestTimeoutMs: 200, headersTimeoutMs: 200 })
  const client = new PlanClient(server.port)
  client.write(line('a'))
  await client.next('task_complete', 'a')
  // Begun later, and over its limit.
  const slow = open(
    'POST /executions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
  )
  expect(await slow.ended).toMatch(/^HTTP\/1\.1 408 /)
  client.write(line('b'))
  await client.next('task_complete', 'b')
  client.end()
  expect(await client.next('execution_complete')).toMatchObject({ status: 'success' })
})

test('a refused plan has the time limit of any other request', async () => {
  const { open } = await socketRig({ tools, token: 'secret' }, { requestTimeoutMs: 200, headersTimeoutMs: 200 })
  const head =
    'POST /executions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n'
  const connection = open(`${head}2\r\n{"\r\n`)
  expect(await connection.ended).toMatch(/^HTTP\/1\.1 401 /)
})

test('a silent plan has broken off', async () => {
  const rig = handlerRig({ tools, planSilenceMs: 60_000, planGraceMs: 1000 })
  for (const headers of [{}, KEY] as Record<string, string>[]) {
    const body = new HeldBody().write(line('a'))
    const following = follow(await sendPlan(rig, body, headers))
    for (let count = 0; count < 5; count++) {
      await rig.clock.run(59_999)
      body.write(' ')
    }
    await rig.clock.run(59_999)
    expect(body.isCancelled).toBe(false)
    await rig.clock.run(1)
    expect(body.isCancelled).toBe(true)
    if ('Idempotency-Key' in headers) {
      expect(lastOf(following)).not.toHaveProperty('reason')
      await rig.clock.run(1000)
    }
    await following.ended
    expect(lastOf(following)).toMatchObject({ reason: { code: 'PLAN_INCOMPLETE' } })
  }
  expect(rig.clock.timerCount).toBe(0)
})

test('a silent planner with a key loses its connection, so that it notices', async () => {
  const { server } = await socketRig({ tools, planSilenceMs: 500 })
  const client = new PlanClient(server.port, KEY)
  client.write(line('a'))
  await client.next('tasks_added')
  await client.ended
  expect(client.outcome).toBe('broken')
  const again = new PlanClient(server.port, { ...KEY, 'Plan-Line': '1' })
  again.end(line('b'))
  expect(await again.next('execution_complete')).toMatchObject({ status: 'success', totalTasks: 2 })
})

/** A store whose appends wait until they are let go. */
function holdAppends(store: ExecutionStore): { readonly store: ExecutionStore; readonly release: () => void } {
  let release = (): void => {}
  const held = new Promise<void>(resolve => (release = resolve))
  let count = 0
  const append: ExecutionStore['append'] = async (...args) => {
    count += 1
    if (count > 1) await held
    return store.append(...args)
  }
  return { store: { ...store, append }, release }
}

test('a planner that is faster than the log waits: its body is not read', async () => {
  const { store, release } = holdAppends(createMemoryStore())
  const rig = handlerRig({ tools, store })
  let count = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        count += 1
        if (count > 1500) controller.close()
        else controller.enqueue(new TextEncoder().encode(line(`t${count}`)))
      },
    },
    { highWaterMark: 0 },
  )
  const following = follow(await sendPlan(rig, { stream: body } as HeldBody))
  for (let turn = 0; turn < 100; turn++) await idle()
  expect(count).toBeGreaterThan(500)
  expect(count).toBeLessThan(1100)
  release()
  await following.ended
  expect(lastOf(following)).toMatchObject({ status: 'success', totalTasks: 1500 })
})

test('a client that writes without end and never reads is bounded, and the plan ends', async () => {
  const { server, handler } = await socketRig({ tools, stallTimeoutMs: 300, onDisconnect: { graceMs: 100 } })
  const socket = connect(server.port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.on('error', () => {})
  socket.pause()
  socket.write(
    'POST /executions HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n',
  )
  const text = `${' '.repeat(65_000)}\n`
  let count = 0
  const write = (): void => {
    while (!socket.destroyed) {
      count += 1
      const task = count === 1 ? line('a') : text
      if (!socket.write(`${Buffer.byteLength(task).toString(16)}\r\n${task}\r\n`))
        return void socket.once('drain', write)
    }
  }
  write()
  await until(async () => {
    const found = (await (await handler.fetch(new Request('http://localhost/executions'))).json()) as {
      executions: { status: string }[]
    }
    return found.executions[0]?.status === 'cancelled'
  }, 20_000)
  await until(() => socket.destroyed, 20_000)
})

test('many small pieces of a line take little memory', async () => {
  const rig = handlerRig({ tools })
  const body = new HeldBody().write(line('a'))
  const following = follow(await sendPlan(rig, body))
  body.write('{"id": "b", "tool": "work", "arguments": {"text": "')
  await idle()
  const before = collectGarbage() + process.memoryUsage().arrayBuffers
  for (let count = 0; count < 100_000; count++) {
    body.write('x')
    if (count % 1000 === 0) await new Promise(resolve => setImmediate(resolve))
  }
  await new Promise(resolve => setImmediate(resolve))
  const after = collectGarbage() + process.memoryUsage().arrayBuffers
  expect(after - before).toBeLessThan(20_000_000)
  body.end('"}}\n')
  await following.ended
  expect(lastOf(following)).toMatchObject({ totalTasks: 2 })
})

test('during a drain nothing begins and nobody comes back, but what is being written goes on, and the next process takes over', async () => {
  const durable = createMemoryStore()
  const rig = handlerRig({ tools, store: { ...durable, interrupted: () => [] }, drainMs: 10_000 })
  const body = new HeldBody().write(line('a'))
  const following = follow(await sendPlan(rig, body, KEY))
  const left = new HeldBody().write(line('a'))
  void follow(await sendPlan(rig, left, { 'Idempotency-Key': 'left' }))
  await idle()
  left.break()
  await idle()
  const closing = rig.handler.close()
  await idle()
  expect((await sendPlan(rig, line('x'))).status).toBe(503)
  const back = await sendPlan(rig, line('b'), { 'Idempotency-Key': 'left', 'Plan-Line': '1' })
  expect(await readProblem(back)).toMatchObject({ status: 503, code: 'SHUTTING_DOWN' })
  body.write(line('b'))
  await idle()
  expect(following.messages.filter(({ event }) => event === 'task_complete')).toHaveLength(2)
  await rig.clock.run(10_000)
  await rig.clock.run(5000)
  await closing
  await following.ended
  expect(following.messages.at(-1)?.event).toBe('error')
  expect(body.isCancelled).toBe(true)
  expect(rig.clock.timerCount).toBe(0)
  const next = handlerRig({ tools, clock: rig.clock, store: await outlive(durable, 'x1') })
  const messages = await readMessages(await sendPlan(next, line('c'), { ...KEY, 'Plan-Line': '2' }))
  expect(JSON.parse(messages.at(-1)?.data ?? '')).toMatchObject({ status: 'success', totalTasks: 3 })
  expect(rig.clock.timerCount).toBe(0)
})
