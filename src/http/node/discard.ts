import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { systemClock } from '../../clock.ts'

/** Bounds of the input that is read and discarded after an answer: bytes on the wire, and ms. */
export const MAX_DISCARDED_BYTES: number = 16 * 1024 * 1024
export const MAX_DISCARD_MS = 5000

/** Time between the half-close at a bound and the end of the connection, ms: enough for the answer to be read. */
const HALF_CLOSED_MS = 1000

/** How often the bytes of a connection are compared with their bound, ms. */
const CHECK_MS = 50

/** Connections whose answer is complete and whose input is discarded. */
const discarding = new WeakSet<Socket>()

/**
 * Reads and discards the input of a connection after an answer that preceded the end of its request.
 *
 * A socket that is closed while unread data waits or arrives sends a reset, and a reset discards the answer in the receive
 * buffer of the client. While this is active, `socket.destroySoon`, by which Node and the adapter end a connection after its
 * answer, takes effect only at `finish`. At a bound the connection is half-closed, reads nothing more, and is destroyed 1 s
 * later.
 */
class Discard {
  readonly #socket: Socket
  readonly #startBytes: number
  readonly #stopTimer: () => void
  #stopCheck: () => void = () => {}
  #isClosing = false
  #isOver = false

  constructor(socket: Socket) {
    this.#socket = socket
    this.#startBytes = socket.bytesRead
    this.#stopTimer = systemClock.after(MAX_DISCARD_MS, () => this.#giveUp())
    Object.defineProperty(socket, 'destroySoon', { configurable: true, value: () => (this.#isClosing = true) })
    socket.once('close', this.#release)
    socket.once('end', this.#onEnd)
    discarding.add(socket)
    this.#check()
  }

  /** The request is complete: closes the connection if that was requested meanwhile, and reuses it otherwise. */
  readonly finish = (): void => {
    if (this.#isOver) return
    this.#release()
    if (this.#isClosing) this.#socket.destroySoon()
  }

  /** The client has closed its half: nothing can arrive that would cause a reset. */
  readonly #onEnd = (): void => {
    this.#isClosing = true
    this.finish()
  }

  readonly #check = (): void => {
    if (this.#socket.bytesRead - this.#startBytes > MAX_DISCARDED_BYTES) this.#giveUp()
    else this.#stopCheck = systemClock.after(CHECK_MS, this.#check)
  }

  #giveUp(): void {
    if (this.#isOver) return
    this.#release()
    const socket = this.#socket
    socket.pause()
    socket.end()
    discarding.add(socket)
    const stop = systemClock.after(HALF_CLOSED_MS, () => socket.destroy())
    socket.once('close', stop)
  }

  readonly #release = (): void => {
    this.#isOver = true
    this.#stopTimer()
    this.#stopCheck()
    this.#socket.off('close', this.#release)
    this.#socket.off('end', this.#onEnd)
    discarding.delete(this.#socket)
    Reflect.deleteProperty(this.#socket, 'destroySoon')
  }
}

/** Discards the further input of a connection; the caller closes its own half. */
export function startDiscarding(socket: Socket): Discard {
  return new Discard(socket)
}

/** Whether the input of a connection is discarded: nothing further on it can be answered. */
export function isDiscarding(socket: Socket): boolean {
  return discarding.has(socket)
}

/** Discards the rest of a request once its answer is complete. Call it before the answer begins. */
export function discardBehindAnswer(incoming: IncomingMessage, outgoing: ServerResponse): void {
  // Before Node's own listener, which may close the connection.
  outgoing.prependListener('finish', () => discardRest(incoming))
}

/**
 * Discards the body of a request that is not read, while a long answer is sent: a client that sends everything before it
 * reads would otherwise never read. `requestTimeout` is the bound.
 */
export function discardBesideAnswer(incoming: IncomingMessage): void {
  if (countReaders(incoming) === 0) incoming.resume()
}

/** Keeps nothing of the body in memory; a reader that has not reached its end gets an error. */
function discardRest(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.destroyed || incoming.socket.destroyed) return
  const discard = startDiscarding(incoming.socket)
  incoming.on('error', ignore)
  if (countReaders(incoming) > 0) {
    incoming.emit('error', new Error('The answer was complete before the body of its request'))
    incoming.removeAllListeners('data')
    incoming.removeAllListeners('readable')
  }
  incoming.once('end', discard.finish)
  incoming.resume()
}

function countReaders(incoming: IncomingMessage): number {
  return incoming.listenerCount('data') + incoming.listenerCount('readable')
}

function ignore(): void {}
