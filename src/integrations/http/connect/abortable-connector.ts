import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { onAbort } from '../../../abort-signals.ts'

/** Of the request that is being dispatched. */
let dispatching: AbortSignal | undefined

/**
 * Dispatches a request to undici, so that an abort also ends the making of its connection, if that was made `abortable`.
 *
 * undici heeds an abort only once it is connected, and does not tell a connector whose connection it makes. But it asks for
 * the connection within the call, as long as the body is no iterable of unknown length.
 */
export function dispatchAbortably<T>(signal: AbortSignal, dispatch: () => T): T {
  dispatching = signal
  try {
    return dispatch()
  } finally {
    dispatching = undefined
  }
}

/** A connector that gives up at once — name, TCP or TLS — when the request aborts that the connection is made for. */
export function abortable(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) => {
    const signal = dispatching
    // undici connects anew by itself for a request whose connection was closed before it could be sent.
    if (signal === undefined) return connect(target, callback)
    // Its type does not say it, but undici's connector returns the socket. It never calls back within the call.
    const socket = connect(target, (...result) => {
      stopListening()
      callback(...result)
    }) as unknown as Socket | undefined
    const stopListening = onAbort(signal, () => socket?.destroy(new Error('Nobody waits for this connection any more')))
  }
}
