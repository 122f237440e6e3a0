import { expect, test, vi } from 'vitest'
import { createGate, FakeProvider } from '../handler/provider-rig.ts'
import { ONE_TASK } from '../handler/handler-rig.ts'
import { socketRig } from './socket-rig.ts'

// Real sockets: that a connection which is closed is noticed before there is an answer is what is shown.

const body = JSON.stringify(ONE_TASK)
const HEAD = 'POST /executions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n'

test.each([
  ['of a known length', `${HEAD}Content-Length: ${body.length}\r\n\r\n${body}`],
  ['in chunks', `${HEAD}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`],
  ['for a stream', `${HEAD}Accept: text/event-stream\r\nContent-Length: ${body.length}\r\n\r\n${body}`],
])('a connection with a body %s that is closed while tools are waited for holds no place', async (_, text) => {
  const provider = new FakeProvider()
  const gate = createGate()
  provider.gate = gate.opened
  const { handler, open, figure } = await socketRig({ tools: provider, maxExecutions: 1 })
  const connection = open(text)
  await vi.waitFor(() => expect(provider.asked).toHaveLength(1))
  connection.socket.destroy()
  const ask = (): Promise<Response> =>
    handler.fetch(
      new Request('http://127.0.0.1/executions', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Prefer: 'respond-async' },
        body,
      }),
    )
  let second: Promise<Response> | undefined
  await vi.waitFor(async () => {
    second = ask()
    // It is refused at once, or waits for its tools.
    await Promise.race([second, vi.waitFor(() => expect(provider.asked).toHaveLength(2))])
    expect(provider.asked).toHaveLength(2)
  })
  gate.open()
  expect((await second)?.status).toBe(202)
  expect([provider.tool.started.length, await figure('dagstream_subscribers')]).toEqual([1, 0])
})
