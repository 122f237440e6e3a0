import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

/** A proxy of TCP between one process and the database, which delays what passes, or drops connections. */
export class Proxy {
  /** Delay of each piece in each direction, ms. */
  delayMs = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  private constructor(target: number) {
    this.#server = createServer(socket => {
      if (this.#isCut) {
        socket.destroy()
        return
      }
      const other = connect(target, '127.0.0.1')
      this.#forward(socket, other)
      this.#forward(other, socket)
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

  #forward(from: Socket, to: Socket): void {
    this.#sockets.add(from)
    from.setNoDelay(true)
    // One after the other, so that a delay keeps their order.
    let last = Promise.resolve()
    from.on('data', piece => {
      if (this.delayMs === 0) {
        last = last.then(() => void to.write(piece))
        return
      }
      const due = wait(this.delayMs)
      last = last.then(() => due).then(() => void to.write(piece))
    })
    from.on('error', () => {})
    from.on('close', () => {
      this.#sockets.delete(from)
      void last.then(() => to.destroy())
    })
  }
}
