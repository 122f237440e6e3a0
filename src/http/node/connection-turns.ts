import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** Maximum number of requests that wait behind another on one connection; a connection that sends more is closed. */
const MAX_WAITING = 8

/**
 * Serializes the pipelined requests of each connection (RFC 9112, 9.3.2).
 *
 * Their answers could only wait for each other in memory, and Node does not report the end of the connection to waiting
 * requests.
 */
export class ConnectionTurns {
  readonly #last = new WeakMap<Socket, ServerResponse>()
  readonly #waitingCounts = new WeakMap<Socket, number>()

  /**
   * @returns `undefined` if it is the turn of the request; otherwise a promise, at its turn, of whether the connection is
   * still open
   */
  take({ socket }: IncomingMessage, outgoing: ServerResponse): Promise<boolean> | undefined {
    const before = this.#last.get(socket)
    this.#last.set(socket, outgoing)
    if (before === undefined || before.writableFinished) return undefined
    const count = (this.#waitingCounts.get(socket) ?? 0) + 1
    if (count > MAX_WAITING) {
      socket.destroy()
      return Promise.resolve(false)
    }
    this.#waitingCounts.set(socket, count)
    return new Promise(resolve => {
      const settle = (): void => {
        before.off('close', settle)
        socket.off('close', settle)
        this.#waitingCounts.set(socket, (this.#waitingCounts.get(socket) as number) - 1)
        resolve(!socket.destroyed)
      }
      before.on('close', settle)
      socket.on('close', settle)
    })
  }
}
