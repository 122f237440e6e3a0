import type { buildConnector } from 'undici'

/**
 * A connector whose sockets report a reset such that undici does not mistake it for the end of a body.
 *
 * On `ECONNRESET` undici completes a body that has neither length nor chunks (client-h1.js, `onHttpSocketError`). Under another
 * code it fails the body. The original code stays in `cause`.
 */
export function withResets(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) =>
    connect(target, (...result) => {
      const [, socket] = result
      // Registered before undici's listener, so that undici sees the changed error.
      socket?.on('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ECONNRESET') return
        error.cause = Object.assign(new Error(error.message), { code: error.code })
        error.code = 'UND_ERR_SOCKET'
      })
      callback(...result)
    })
}
