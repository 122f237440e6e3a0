import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** How many requests may wait behind another on their connection; one that sends more is closed. */
const MAX_WAITING = 8

/**
 * Lets the requests of each connection through one at a time, though it sends them ahead (RFC 9112, 9.3.2).
 *
 * Their answers could only wait for each other anyway, in memory; and Node tells none of those that wait when the
 * connection is gone.
 */
export class ConnectionTurns {
  readonly #last = new WeakMap<Socket, ServerResponse>()
  readonly #waitingCounts = new WeakMap<Socket, number>()

  /** @returns `undefined` for a request whose turn it is; else whether its connection was still there when its turn came */
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
