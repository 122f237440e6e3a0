import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createHandler } from 'dagstream/http'
import { serve } from 'dagstream/http/node'
import { ControlledTool } from '../../support/controlled-tool.ts'

// Real sockets: how Node tells responses of their connection is what this is about.

async function start() {
  const tool = new ControlledTool()
  const handler = createHandler({ tools: { work: tool.execute }, onDisconnect: 'cancel', drainMs: 0 })
  const server = await serve(handler, { port: 0 })
  onTestFinished(() => server.close())
  const send = (): Socket => {
    const socket = connect({ port: server.port, host: '127.0.0.1' }).on('error', () => {})
    onTestFinished(() => void socket.destroy())
    return socket
  }
  const figure = async (name: string): Promise<number> => {
    const text = await (await fetch(`${server.url}/metrics`)).text()
    return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1])
  }
  return { tool, server, send, figure }
}

const BODY = JSON.stringify({ tasks: [{ id: 'a', tool: 'work' }] })
const POST =
  'POST /executions HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nContent-Type: application/json\r\n' +
  `Content-Length: ${BODY.length}\r\n\r\n${BODY}`

test('requests sent ahead wait for their turn: after a stream nothing is begun, and nothing is left when the client goes', async () => {
  const { tool, send, figure } = await start()
  const socket = send()
  socket.write(POST.repeat(5))
  await tool.nextCall('a')
  await once(socket, 'data')
  expect([await figure('dagstream_subscribers'), await figure('dagstream_executions_running')]).toEqual([1, 1])
  socket.destroy()
  await vi.waitFor(async () => expect(await figure('dagstream_subscribers')).toBe(0), { timeout: 5000 })
  await vi.waitFor(async () => expect(await figure('dagstream_executions_running')).toBe(0), { timeout: 5000 })
  expect(tool.started).toEqual(['a'])
})

test('requests sent ahead are answered in order', async () => {
  const { send } = await start()
  const socket = send()
  socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(3))
  socket.write('GET /nowhere HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 404'])
})

test('a connection that sends more ahead than can wait is closed', async () => {
  const { tool, send, figure } = await start()
  const socket = send()
  socket.resume().write(POST.repeat(20))
  await once(socket, 'close')
  await vi.waitFor(async () => expect(await figure('dagstream_subscribers')).toBe(0), { timeout: 5000 })
  expect(tool.started.length).toBeLessThanOrEqual(1)
})

test('a connection whose request was refused before its body came is not used again', async () => {
  const { send } = await start()
  const socket = send()
  socket.write(
    'POST /executions HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\nContent-Length: 500000\r\n\r\nx',
  )
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  expect(String(chunk)).toMatch(/^HTTP\/1\.1 415 [\s\S]*\r\nconnection: close\r\n/i)
})
