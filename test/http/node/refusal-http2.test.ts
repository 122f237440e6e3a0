import { once } from 'node:events'
import { connect, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createHandler } from 'dagstream/http'
import { createListener } from 'dagstream/http/node'
import { expect, onTestFinished, test } from 'vitest'

const MIB = 1024 * 1024

test('over HTTP/2 a refusal reaches a client that still sends, and the connection stays of use', async () => {
  const handler = createHandler({ tools: {}, token: 'secret', drainMs: 0 })
  const server = createServer(createListener(handler)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => {
    session.destroy()
    server.close()
  })
  for (let run = 0; run < 10; run += 1) {
    const head = { ':method': 'POST', ':path': '/executions', 'content-type': 'application/json' }
    const authorized = run % 2 === 0 ? {} : { authorization: 'Bearer secret' }
    const stream = session.request({ ...head, ...authorized })
    const codes: (number | undefined)[] = []
    stream.on('error', () => codes.push(stream.rstCode))
    const answered = once(stream, 'response') as Promise<[{ ':status'?: number }]>
    let text = ''
    stream.setEncoding('utf8').on('data', chunk => (text += chunk))
    const closed = new Promise<void>(resolve => stream.once('close', () => resolve()))
    for (let sent = 0; sent < 12 && !stream.destroyed; sent += 1) {
      const written = new Promise<void>(resolve => void stream.write(Buffer.alloc(MIB), () => resolve()))
      await Promise.race([written, closed])
    }
    stream.end()
    const [headers] = await answered
    await closed
    const status = run % 2 === 0 ? 401 : 413
    expect([headers[':status'], (JSON.parse(text) as { status: number }).status, codes]).toEqual([status, status, []])
  }
})
