import { once } from 'node:events'
import { type ClientHttp2Stream, connect, constants, createServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createHandler } from 'dagstream/http'
import { createListener } from 'dagstream/http/node'
import { expect, onTestFinished, test } from 'vitest'
import { parseData } from '../request-rig.ts'
import { line } from './plan-client.ts'

test.each([
  // It ends the body in order, and resets the stream then.
  ['close', (stream: ClientHttp2Stream) => stream.close(constants.NGHTTP2_CANCEL)],
  ['destroy', (stream: ClientHttp2Stream) => stream.destroy()],
])('over HTTP/2 a plan whose client cancels by `%s` has broken off, and is not sealed', async (_, cancel) => {
  const saved: unknown[] = []
  const work = { readOnly: true, execute: (args: unknown) => args }
  const handler = createHandler({ tools: { work, save: (args: unknown) => saved.push(args) } })
  const server = createServer(createListener(handler))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(async () => {
    session.close()
    await handler.close()
    server.close()
  })
  const stream = session.request({
    ':method': 'POST',
    ':path': '/executions',
    'content-type': 'application/x-ndjson',
    accept: 'text/event-stream',
  })
  stream.on('error', () => {})
  stream.write(`${line('a')}{"id": "s", "tool": "save"}\n`)
  const [headers] = (await once(stream, 'response')) as [Record<string, string>]
  let text = ''
  stream.setEncoding('utf8')
  for await (const piece of stream.iterator({ destroyOnReturn: false })) {
    text += String(piece)
    if (text.includes('task_complete')) break
  }
  cancel(stream)
  const url = `http://localhost/executions/${headers['execution-id']}/events`
  const rest = await handler.fetch(new Request(url, { headers: { Accept: 'text/event-stream' } }))
  expect(parseData(await rest.text()).at(-1)).toMatchObject({
    status: 'cancelled',
    reason: { code: 'PLAN_INCOMPLETE' },
  })
  expect(saved).toEqual([])
})
