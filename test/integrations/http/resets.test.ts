// Raw sockets: `node:http` would give the body a length or chunks.
import { createServer, type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { failureOf, httpRig } from './loopback.ts'

test('a reset in a body without length fails the request instead of cutting its answer short', async () => {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => {
      // A reset that comes in the same moment as the data looks like an end to every reader of the socket.
      socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nhalf', () =>
        setTimeout(() => socket.resetAndDestroy(), 100),
      )
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  expect(await failureOf(httpRig().get({ url: `http://127.0.0.1:${port}/` }))).toMatchObject({
    code: 'HTTP_NETWORK_ERROR',
    retryable: true,
  })
})
