import { connect, type Socket } from 'node:net'
import { createHandler, type Handler, type HandlerOptions } from 'dagstream/http'
import { type NodeServer, serve, type ServeOptions } from 'dagstream/http/node'
import { onTestFinished } from 'vitest'
import { ControlledTool } from '../../support/controlled-tool.ts'

export interface SocketRig {
  readonly tool: ControlledTool
  readonly handler: Handler
  readonly server: NodeServer
  readonly warnings: readonly string[]
  /** A connection that has sent `text`. */
  readonly open: (text: string) => Connection
  /** One figure of `/metrics`. */
  readonly figure: (name: string) => Promise<number>
}

/** A server on a free port whose tool the test holds in its hand; closed with the test. */
export async function socketRig(
  options: Partial<HandlerOptions> = {},
  serveOptions: ServeOptions = {},
): Promise<SocketRig> {
  const tool = new ControlledTool()
  const warnings: string[] = []
  const logger = { debug: () => {}, warn: (message: string) => void warnings.push(message) }
  const handler = createHandler({ tools: { work: tool.execute }, logger, drainMs: 0, abortGraceMs: 10, ...options })
  const server = await serve(handler, { port: 0, ...serveOptions })
  const connections: Connection[] = []
  onTestFinished(async () => {
    for (const { socket } of connections) socket.destroy()
    await server.close()
  })
  return {
    tool,
    handler,
    server,
    warnings,
    open(text) {
      const connection = new Connection(server.port, text)
      connections.push(connection)
      return connection
    },
    async figure(name) {
      const text = await (await handler.fetch(new Request('http://localhost/metrics'))).text()
      const line = text.split('\n').find(each => each.startsWith(`${name} `))
      return Number(line?.slice(name.length + 1))
    },
  }
}

/** A client that knows nothing of HTTP. */
export class Connection {
  readonly socket: Socket
  /** What has come so far. */
  text = ''
  isOver = false
  /** Resolves to all that came, once the other side has ended or broken the connection. */
  readonly ended: Promise<string>

  constructor(port: number, text: string) {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      this.text = (this.text + chunk).slice(-100_000)
    })
    this.ended = new Promise(resolve => {
      const end = (): void => {
        this.isOver = true
        resolve(this.text)
      }
      for (const event of ['end', 'close', 'error']) socket.on(event, end)
    })
    if (text !== '') socket.write(text)
  }

  /** Sends one byte after another until the other side has had enough. */
  async dribble(byte: string, everyMs: number): Promise<void> {
    while (!this.isOver) {
      this.socket.write(byte)
      await new Promise(resolve => setTimeout(resolve, everyMs))
    }
  }
}

/** Waits, in real time, until something holds. */
export async function until(holds: () => boolean | Promise<boolean>, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Expected it to hold within ${withinMs} ms: ${holds.toString()}`)
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}
