import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer as createHttp2Server, connect } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createListener } from 'dagstream/http/node'
import { createHandler } from 'dagstream/http'
import { expect, onTestFinished, test } from 'vitest'
import { parseData } from '../request-rig.ts'
import { socketRig } from '../security/socket-rig.ts'
import { line, PlanClient } from './plan-client.ts'

const tools = { work: { readOnly: true, execute: (args: unknown) => args } }
const HEAD = 'POST /executions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n'

/** One chunk of a chunked body. */
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

test('a task runs and its events arrive while the body of the request is open', async () => {
  const { server } = await socketRig({ tools })
  const client = new PlanClient(server.port)
  client.write(`{"name": "cities"}\n${line('a')}`)
  await client.next('task_complete', 'a')
  client.write(line('b', { dependsOn: ['a'], arguments: { of: '$OUTPUT[a]' } }))
  await client.next('task_complete', 'b')
  expect(client.outcome).toBe(undefined)
  client.write('{"seal": true}\n')
  const end = await client.next('execution_complete')
  expect(end).toMatchObject({ status: 'success', totalTasks: 2 })
  await client.ended
  expect(client.outcome).toBe('ended')
})

test('the result is the answer where JSON is accepted, and 202 once the plan has been read', async () => {
  const { server } = await socketRig({ tools })
  for (const headers of [{ Accept: 'application/json' }, { Prefer: 'respond-async' }] as Record<string, string>[]) {
    const client = new PlanClient(server.port, headers)
    client.write(line('a', { arguments: { n: '12345678901234567890' } }))
    client.end(line('b'))
    await client.ended
    const response = await client.response
    const isAsync = 'Prefer' in headers
    expect([response.statusCode, response.headers['preference-applied']]).toEqual(
      isAsync ? [202, 'respond-async'] : [200, undefined],
    )
    const body = JSON.parse(client.text) as { executionId: string }
    if (!isAsync) expect(body).toMatchObject({ status: 'success', totalTasks: 2 })
    expect(response.headers['execution-id']).toBe(body.executionId)
  }
})

test('a plan in one packet keeps its connection; each byte may come alone', async () => {
  const { server, open } = await socketRig({ tools })
  const plan = `{"name": "ü"}\r\n\r\n${line('a')}${line('é', { id: 'b' }).trimEnd()}`
  const whole = `${HEAD}Content-Length: ${Buffer.byteLength(plan)}\r\n\r\n${plan}`
  const connection = open(whole)
  await waitFor(() => connection.text.endsWith('0\r\n\r\n'))
  expect(connection.text).toContain('"totalTasks":2')
  expect(connection.text).not.toMatch(/connection: close/i)
  connection.text = ''
  connection.socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await waitFor(() => connection.text.includes('{"status":"ok"}'))

  const client = new PlanClient(server.port)
  for (const byte of Buffer.from(plan)) {
    client.write(Uint8Array.of(byte))
    await new Promise(resolve => setImmediate(resolve))
  }
  client.end()
  expect(await client.next('execution_complete')).toMatchObject({ status: 'success', totalTasks: 2 })
})

test('lines behind the seal are ignored, and the connection ends in order', async () => {
  const { server, open } = await socketRig({ tools })
  const client = new PlanClient(server.port)
  client.write(`${line('a')}{"seal": true}\n`)
  for (let count = 0; count < 20; count++) {
    client.write(`${line('a')}not JSON\n`.repeat(100))
    await new Promise(resolve => setImmediate(resolve))
  }
  client.end()
  await client.ended
  expect([client.outcome, client.types.at(-1), client.types.includes('plan_rejected')]).toEqual([
    'ended',
    'execution_complete',
    false,
  ])
  // A body that never ends.
  const raw = open(
    `${HEAD}Transfer-Encoding: chunked\r\nAccept: text/event-stream\r\n\r\n${chunk(line('a') + '{"seal": true}\n')}`,
  )
  const text = await raw.ended
  expect(text).toContain('execution_complete')
  expect(text).toMatch(/0\r\n\r\n$/)
  expect(text).toMatch(/connection: close/i)
})

test('a refused line ends the answer although the body is open', async () => {
  const { server } = await socketRig({ tools })
  const client = new PlanClient(server.port)
  client.write(line('a'))
  await client.next('task_complete', 'a')
  client.write(`${line('b', { dependsOn: ['c'] })}${line('c')}`)
  await client.ended
  expect(client.outcome).toBe('ended')
  expect(client.dataOf('plan_rejected')).toMatchObject([
    { line: 2, issues: [{ code: 'FORWARD_DEPENDENCY', pointer: '/dependsOn/0' }] },
  ])
  expect(client.dataOf('execution_stopping')).toMatchObject([{ reason: { code: 'PLAN_REJECTED' } }])
})

test('a body that breaks off cancels, or counts as complete', async () => {
  for (const onPlanBreak of ['cancel', 'seal']) {
    const { server, handler } = await socketRig({ tools, onDisconnect: 'continue' })
    const client = new PlanClient(server.port)
    client.write(`{"onPlanBreak": "${onPlanBreak}"}\n${line('a')}{"id": "half`)
    await client.next('task_complete', 'a')
    const { executionId } = await client.next('execution_start')
    client.destroy()
    const url = `http://localhost/executions/${String(executionId)}/events`
    const rest = await handler.fetch(new Request(url, { headers: { Accept: 'text/event-stream' } }))
    const last = parseData(await rest.text()).at(-1)
    expect(last).toMatchObject(onPlanBreak === 'seal' ? { status: 'success' } : { reason: { code: 'PLAN_INCOMPLETE' } })
    expect(last).toMatchObject({ totalTasks: 1 })
  }
})

test('`curl -N -T .` sees events while it sends', async () => {
  const { server } = await socketRig({ tools })
  for (const upload of ['.', '-']) {
    const headers = ['-H', 'Content-Type: application/x-ndjson', '-H', 'Accept: text/event-stream']
    const curl = spawn('curl', ['-sSN', '-X', 'POST', '-T', upload, ...headers, `${server.url}/executions`])
    onTestFinished(() => void curl.kill())
    let text = ''
    curl.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece))
    curl.stdin.write(line('a'))
    // With `-`, curl waits for its input before it reads on.
    if (upload === '.') await waitFor(() => text.includes('task_complete'))
    curl.stdin.write(line('b', { dependsOn: ['a'] }))
    if (upload === '.') await waitFor(() => text.includes('"taskId":"b"'))
    curl.stdin.end('{"seal": true}\n')
    const [code] = (await once(curl, 'close')) as [number]
    expect([code, parseData(text).at(-1)]).toMatchObject([0, { status: 'success', totalTasks: 2 }])
  }
})

test('over HTTP/2 one stream carries both directions', async () => {
  const handler = createHandler({ tools })
  const server = createHttp2Server(createListener(handler))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(async () => {
    session.close()
    await handler.close()
    server.close()
  })
  const headers = {
    ':method': 'POST',
    ':path': '/executions',
    'content-type': 'application/x-ndjson',
    accept: 'text/event-stream',
  }
  const stream = session.request(headers)
  let text = ''
  stream.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  stream.write(line('a'))
  await waitFor(() => text.includes('task_complete'))
  stream.write(line('b'))
  await waitFor(() => text.includes('"taskId":"b"'))
  stream.end('{"seal": true}\n')
  await once(stream, 'end')
  expect(parseData(text).at(-1)).toMatchObject({ status: 'success', totalTasks: 2 })

  // Refused in the middle: the answer is whole, and the session goes on.
  const refused = session.request(headers)
  text = ''
  refused.on('error', () => {})
  refused.setEncoding('utf8').on('data', (piece: string) => (text += piece))
  refused.write(`${line('a')}garbage\n`)
  await once(refused, 'end')
  expect(parseData(text).at(-1)).toMatchObject({ totalTasks: 1 })
  const next = session.request({ ':path': '/healthz' })
  next.resume()
  const [answer] = (await once(next, 'response')) as [{ ':status': number }]
  expect(answer[':status']).toBe(200)
  refused.close()
})

test('a handler takes a stream in the same process, and leaves it where it is refused', async () => {
  const handler = createHandler({ tools })
  let cancelled: unknown
  let pull = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pull += 1
        controller.enqueue(new TextEncoder().encode(pull < 3 ? line(`t${pull}`) : 'garbage\n'))
      },
      cancel: reason => void (cancelled = reason ?? 'left'),
    },
    { highWaterMark: 0 },
  )
  const response = await handler.fetch(
    new Request('http://localhost/executions', {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-ndjson', Accept: 'text/event-stream' },
      body,
      duplex: 'half',
    } as RequestInit),
  )
  const events = parseData(await response.text())
  expect(events.at(-1)).toMatchObject({ totalTasks: 2 })
  expect([cancelled, pull]).toEqual(['left', 3])
})

async function waitFor(holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`Expected it to hold: ${holds.toString()}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
