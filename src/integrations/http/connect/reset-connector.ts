import type { buildConnector } from 'undici'

/**
 * A connector whose sockets report a reset in a way that undici does not take for the end of a body.
 *
 * With `ECONNRESET` undici ends a body that has neither length nor chunks as if it were complete (client-h1.js,
 * `onHttpSocketError`). Under another code it fails the body. The original code stays in `cause`.
 */
export function withResets(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) =>
    connect(target, (...result) => {
      const [, socket] = result
      // Before undici listens, so that it sees the error as it is left here.
      socket?.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ECONNRESET') return
        error.cause = Object.assign(new Error(error.message), { code: error.code })
        error.code = 'UND_ERR_SOCKET'
      })
      callback(...result)
    })
}
