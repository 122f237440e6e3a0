/** The connection that carries a request, as its listener lets the handler affect it. */
export interface Carrier {
  /** The rest of the body may take any time: the handler bounds its silence. */
  liftTimeLimit(): void
  /**
   * Present over HTTP/2: whether the stream was reset. A client that cancels its request may end the body in order first: Node.js
   * does, and the reset follows.
   */
  readonly isReset?: () => boolean
  /** Breaks the connection: the client sees that its request and the answer are not complete. Idempotent. */
  abort(): void
}

/** By request. Its server continues to read after the answer. */
const carriers = new WeakMap<Request, Carrier>()

export function setCarrier(request: Request, carrier: Carrier): void {
  carriers.set(request, carrier)
}

/** `undefined` where the runtime, or another adapter, carries the request. */
export function findCarrier(request: Request): Carrier | undefined {
  return carriers.get(request)
}
