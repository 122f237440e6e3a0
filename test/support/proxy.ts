import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** What a proxy passes on of one connection. */
export interface Filter {
  /** @returns what goes on to the server; `undefined` drops the connection */
  fromClient(piece: Buffer): Buffer | undefined
  /** @returns what goes on to the client; `undefined` drops the connection */
  fromServer(piece: Buffer): Buffer | undefined
}

const PASS: Filter = { fromClient: piece => piece, fromServer: piece => piece }

/** A proxy of TCP between a process and a server. It delays what passes, drops connections, and loses or doubles messages. */
export class Proxy {
  /** Delay of each piece in each direction, ms. */
  delayMs = 0
  /** Where new connections go. */
  target: number
  /** Of each new connection. */
  createFilter: () => Filter = () => PASS
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  private constructor(target: number) {
    this.target = target
    this.#server = createServer(socket => {
      if (this.#isCut) {
        socket.destroy()
        return
      }
      const other = connect(this.target, '127.0.0.1')
      const filter = this.createFilter()
      this.#forward(socket, other, piece => filter.fromClient(piece))
      this.#forward(other, socket, piece => filter.fromServer(piece))
    })
  }

  static async open(target: number): Promise<Proxy> {
    const proxy = new Proxy(target)
    await new Promise<void>(resolve => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  /** Drops all connections, whatever is under way in them. New ones are refused for `ms`. */
  async cut(ms = 0): Promise<void> {
    this.#isCut = true
    for (const socket of this.#sockets) socket.destroy()
    await wait(ms)
    this.#isCut = false
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }

  #forward(from: Socket, to: Socket, filter: Filter['fromClient']): void {
    this.#sockets.add(from)
    from.setNoDelay(true)
    // One after the other, so that a delay keeps their order.
    let last = Promise.resolve()
    const pass = (piece: Buffer): void => {
      const passed = to.destroyed ? undefined : filter(piece)
      if (passed === undefined) {
        from.destroy()
        to.destroy()
      } else if (passed.length > 0) to.write(passed)
    }
    from.on('data', piece => {
      const due = this.delayMs === 0 ? undefined : wait(this.delayMs)
      last = last.then(() => due).then(() => pass(piece))
    })
    from.on('error', () => {})
    from.on('close', () => {
      this.#sockets.delete(from)
      void last.then(() => to.destroy())
    })
  }
}
