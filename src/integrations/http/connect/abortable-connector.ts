import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'
import { onAbort } from '../../../abort-signals.ts'

/** Signal of the request that is being dispatched. */
let dispatching: AbortSignal | undefined

/**
 * Dispatches a request to undici such that an abort also ends its connection attempt, if the connector is `abortable`.
 *
 * undici observes an abort only once connected, and does not tell a connector which request it serves. But it requests the
 * connection synchronously, unless the body is an iterable of unknown length.
 */
export function dispatchAbortably<T>(signal: AbortSignal, dispatch: () => T): T {
  dispatching = signal
  try {
    return dispatch()
  } finally {
    dispatching = undefined
  }
}

/** A connector that stops at once, in DNS, TCP or TLS, when its request aborts. */
export function abortable(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) => {
    const signal = dispatching
    // undici reconnects by itself for a request whose connection closed before it was sent.
    if (signal === undefined) return connect(target, callback)
    // undici's connector returns the socket, although its type does not declare it. It never calls back synchronously.
    const socket = connect(target, (...result) => {
      stopListening()
      callback(...result)
    }) as unknown as Socket | undefined
    const stopListening = onAbort(signal, () => socket?.destroy(new Error('This connection is no longer needed')))
  }
}
