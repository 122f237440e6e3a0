import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** Towards the server, or towards the client. */
export type Direction = 'up' | 'down'

/**
 * What happens to a connection. `reset`: both sides get a RST; `close`: both get a FIN at once; `end`: only whoever this
 * direction leads to gets a FIN, the other direction stays open; `stall`: this direction is not read any more.
 */
export type Break = 'reset' | 'close' | 'end' | 'stall'

/** What happens to one exchange, a request and its answer. */
export interface Fault {
  readonly direction: Direction
  /** So many bytes of the exchange still pass. With 0 it happens when the first one comes. */
  readonly afterBytes: number
  readonly how: Break
}

/** How bytes are passed on: in pieces, one after each pause, or in each turn of the event loop. */
export interface Pace {
  readonly pieceBytes: number
  readonly delayMs?: number
}

/** A TCP proxy on loopback, in front of one server, whose connections a test holds in its hand. */
export class FaultProxy {
  readonly port: number
  /** How many exchanges have begun. */
  exchangeCount = 0
  /** How bytes towards clients are passed on; at once if there is none. */
  pace: Pace | undefined
  /** Asks by HTTP/1.0, as older proxies do: an answer without a length ends with its connection, and a cut looks like its end. */
  isOld = false
  /** Where the server listens: it may move. */
  targetPort: number
  /** How many bytes the last exchange has carried so far, each way. */
  lastPassed: Readonly<Record<Direction, number>> = { up: 0, down: 0 }
  #server: Server
  readonly #faults: (Fault | undefined)[] = []
  readonly #links = new Set<Link>()

  private constructor(server: Server, targetPort: number) {
    this.#server = server
    this.port = (server.address() as AddressInfo).port
    this.targetPort = targetPort
    server.on('connection', this.#accept)
  }

  static async start(targetPort: number): Promise<FaultProxy> {
    return new FaultProxy(await listen(0), targetPort)
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** How many connections are open, each with its two sockets. */
  get linkCount(): number {
    return this.#links.size
  }

  /** What happens to the next exchanges, in turn; `undefined` and all later ones pass. */
  plan(...faults: readonly (Fault | undefined)[]): void {
    this.#faults.push(...faults)
  }

  /** What is planned still does not happen. */
  forget(): void {
    this.#faults.length = 0
  }

  /** Whether all that was planned has been given to an exchange. */
  get isPlanTaken(): boolean {
    return this.#faults.length === 0
  }

  /** Does it to every connection there is. Resolves when those are gone; at once for a stall. */
  async break(how: Break, direction: Direction = 'down'): Promise<void> {
    const links = [...this.#links]
    for (const link of links) link.break(how, direction)
    if (how !== 'stall') await Promise.all(links.map(link => link.closed))
  }

  /** What was stalled goes on. */
  resume(): void {
    for (const link of this.#links) link.resume()
  }

  /** From now on connections are refused by the system; those there are stay. */
  refuse(): void {
    this.#server.close()
  }

  /** Listens again where it did. */
  async accept(): Promise<void> {
    this.#server = await listen(this.port)
    this.#server.on('connection', this.#accept)
  }

  /** Ends everything. */
  close(): void {
    this.#server.close()
    void this.break('reset')
  }

  readonly #accept = (client: Socket): void => {
    const link = new Link(client, this.targetPort, {
      takeFault: passed => {
        this.exchangeCount += 1
        this.lastPassed = passed
        return this.#faults.shift()
      },
      getPace: () => this.pace,
      isOld: () => this.isOld,
    })
    this.#links.add(link)
    void link.closed.then(() => this.#links.delete(link))
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer({ allowHalfOpen: true, noDelay: true })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return server
}

interface LinkOptions {
  /** An exchange begins. @param passed counts its bytes from now on */
  readonly takeFault: (passed: Readonly<Record<Direction, number>>) => Fault | undefined
  readonly getPace: () => Pace | undefined
  readonly isOld: () => boolean
}

/** One connection of a client, and the one behind it to the server. */
class Link {
  /** Resolves when both sockets are closed. */
  readonly closed: Promise<unknown>
  readonly #client: Socket
  readonly #upstream: Socket
  readonly #options: LinkOptions
  #last: Direction | undefined
  #fault: Fault | undefined
  /** Of this exchange. */
  #passed = { up: 0, down: 0 }
  /** A direction that carries nothing any more. */
  readonly #isShut = { up: false, down: false }
  readonly #isStalled = { up: false, down: false }

  constructor(client: Socket, port: number, options: LinkOptions) {
    this.#client = client
    this.#upstream = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    this.#options = options
    const sockets = [this.#client, this.#upstream]
    this.closed = Promise.all(sockets.map(socket => new Promise(resolve => void socket.once('close', resolve))))
    this.#carry('up', client, this.#upstream)
    this.#carry('down', this.#upstream, client)
  }

  break(how: Break, direction: Direction): void {
    if (how === 'stall') {
      this.#isStalled[direction] = true
      this.#from(direction).pause()
      return
    }
    if (how === 'end') {
      this.#isShut[direction] = true
      this.#to(direction).end()
      // What still comes is read, and let go.
      this.#from(direction).resume()
      return
    }
    this.#isShut.up = true
    this.#isShut.down = true
    for (const socket of [this.#client, this.#upstream]) {
      if (how === 'close') socket.destroySoon()
      // The system resets nothing that is being shut down, and Node would lose the handle.
      else if (socket.writableEnded) socket.destroy()
      else socket.resetAndDestroy()
    }
  }

  resume(): void {
    for (const direction of ['up', 'down'] as const) {
      if (!this.#isStalled[direction]) continue
      this.#isStalled[direction] = false
      this.#from(direction).resume()
    }
  }

  #carry(direction: Direction, from: Socket, to: Socket): void {
    from.on('data', chunk => this.#pass(direction, chunk))
    from.on('end', () => to.end())
    to.on('drain', () => this.#isStalled[direction] || from.resume())
    from.on('error', () => this.break('reset', direction))
    // Nothing can come any more, nor go back.
    from.on('close', () => to.destroySoon())
  }

  #pass(direction: Direction, bytes: Buffer): void {
    if (this.#isShut[direction]) return
    let chunk = bytes
    if (direction === 'up' && this.#last !== 'up') {
      this.#passed = { up: 0, down: 0 }
      this.#fault = this.#options.takeFault(this.#passed)
      if (this.#options.isOld()) chunk = Buffer.from(bytes.toString('latin1').replace('HTTP/1.1', 'HTTP/1.0'), 'latin1')
    }
    this.#last = direction
    const fault = this.#fault
    const left = fault?.direction === direction ? fault.afterBytes - this.#passed[direction] : Number.POSITIVE_INFINITY
    this.#passed[direction] += chunk.length
    if (fault === undefined || chunk.length < left) return this.#send(direction, chunk)
    this.#fault = undefined
    const act = (): void => this.break(fault.how, direction)
    const passing = chunk.subarray(0, left)
    // Nothing behind it may pass while it is under way. A reset drops what the system has not taken yet.
    this.#from(direction).pause()
    if (passing.length === 0) return act()
    this.#to(direction).write(passing, act)
  }

  #send(direction: Direction, chunk: Buffer): void {
    const pace = direction === 'down' ? this.#options.getPace() : undefined
    const [from, to] = [this.#from(direction), this.#to(direction)]
    if (pace === undefined) {
      if (!to.write(chunk)) from.pause()
      return
    }
    from.pause()
    void sendInPieces(to, chunk, pace).then(() => this.#isStalled[direction] || from.resume())
  }

  #from(direction: Direction): Socket {
    return direction === 'up' ? this.#client : this.#upstream
  }

  #to(direction: Direction): Socket {
    return direction === 'up' ? this.#upstream : this.#client
  }
}

async function sendInPieces(to: Socket, chunk: Buffer, { pieceBytes, delayMs }: Pace): Promise<void> {
  for (let at = 0; at < chunk.length && to.writable; at += pieceBytes) {
    to.write(chunk.subarray(at, at + pieceBytes))
    await new Promise(resolve => (delayMs === undefined ? setImmediate(resolve) : setTimeout(resolve, delayMs)))
  }
}
