import { channel } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { type Client, type ClientOptions, createClient } from 'dagstream/client'
import { createHandler, type Handler, type HandlerOptions } from 'dagstream/http'
import { type NodeServer, type ServeOptions, serve } from 'dagstream/http/node'
import { expect, onTestFinished } from 'vitest'
import { createMemoryStore, type ExecutionStore } from '../../src/index.ts'
import { ControlledTool, type ToolCall } from '../support/controlled-tool.ts'
import { FaultProxy } from './fault-proxy.ts'
import { DEADLINE_MS, eventually } from './handles.ts'
import { requestText, sendRaw } from './raw-connection.ts'

/** A server on a real socket, a proxy in front of it, and what the test holds in its hand of both. */
export interface FaultRig {
  /** Stands behind the tool `work`, unless the options bring tools. */
  readonly tool: ControlledTool
  readonly store: ExecutionStore
  /** The next call of a task, however long its request takes on its way. */
  readonly call: (taskId: string) => Promise<ToolCall>
  /** In front of the server; clients of `connect` go through it. */
  readonly proxy: FaultProxy
  /** Where the server itself listens. */
  readonly port: number
  readonly handler: Handler
  /** What the handler logged. */
  readonly log: readonly string[]
  /** A client that comes back at once, and far more often than it takes, unless told otherwise. */
  readonly connect: (options?: Partial<ClientOptions>) => Client
  /** One figure of `/metrics`, without a detour. */
  readonly figure: (name: string) => Promise<number>
  /** The sockets that the server has open. */
  readonly socketCount: () => number
  /** Starts an execution that nobody needs to follow. @returns its id */
  readonly begin: (workflow: object) => Promise<string>
  /** Ends server and handler; another may take its place, on the same port. */
  readonly stop: () => Promise<void>
}

export interface FaultRigOptions extends Partial<HandlerOptions> {
  /** How the server listens. @defaultValue on any free port */
  readonly server?: ServeOptions
  /** Answers a request before the handler sees it. */
  readonly intercept?: (request: Request) => Response | undefined
}

/**
 * Starts one for the test that runs. After the test it checks that nobody is left, on the server's side either, and ends all.
 */
export async function startFaultRig(options: FaultRigOptions = {}): Promise<FaultRig> {
  const { server: serverOptions = {}, intercept = () => undefined, ...rest } = options
  const tool = new ControlledTool()
  const store = rest.store ?? createMemoryStore()
  const log: string[] = []
  const note = (message: string, fields?: object): void => void log.push(`${message} ${JSON.stringify(fields ?? {})}`)
  const handler = createHandler({
    tools: { work: tool.execute },
    store,
    logger: { debug: () => {}, warn: note },
    taskTimeoutMs: 0,
    drainMs: 0,
    ...rest,
  })
  const server = await serve(
    { fetch: async request => intercept(request) ?? handler.fetch(request), close: handler.close },
    { port: 0, ...serverOptions },
  )
  const sockets = countSockets(server)
  const proxy = await FaultProxy.start(server.port)
  const ask = async (path: string): Promise<string> => {
    const authorization = typeof rest.token === 'string' ? { Authorization: `Bearer ${rest.token}` } : {}
    const answer = await sendRaw(server.port, requestText('GET', path, { Connection: 'close', ...authorization }))
    return answer.body.toString()
  }
  const figure = async (name: string): Promise<number> => {
    const line = (await ask('/metrics')).split('\n').find(each => each.startsWith(`${name} `))
    return Number(line?.slice(name.length + 1))
  }
  let isStopped = false
  const stop = async (): Promise<void> => {
    isStopped = true
    await server.close()
    await eventually('the sockets of the server', sockets.count, 0)
    sockets.stop()
  }
  onTestFinished(async () => {
    proxy.close()
    await eventually('the connections of the proxy', () => proxy.linkCount, 0)
    if (isStopped) return
    for (const call of tool.takeAll()) call.succeed()
    await eventually('the subscribers', () => figure('dagstream_subscribers'), 0)
    // The one that asks is gone by then as well.
    await eventually('the sockets of the server', sockets.count, 0)
    await stop()
  })
  return {
    tool,
    call: taskId => awaitCall(tool, taskId),
    store,
    proxy,
    port: server.port,
    handler,
    log,
    connect: (overrides = {}) =>
      createClient({
        url: proxy.url,
        reconnection: { maxRetries: 500, initialDelayMs: 0 },
        ...overrides,
      }),
    figure,
    socketCount: sockets.count,
    begin: async workflow => {
      const headers = { 'Content-Type': 'application/json', Prefer: 'respond-async', Connection: 'close' }
      const answer = await sendRaw(server.port, requestText('POST', '/executions', headers, JSON.stringify(workflow)))
      expect(answer.status).toBe(202)
      return (JSON.parse(answer.body.toString()) as { executionId: string }).executionId
    },
    stop,
  }
}

/** The tool's own waiting counts turns of the event loop, which sockets may take any number of. */
async function awaitCall(tool: ControlledTool, taskId: string): Promise<ToolCall> {
  for (const until = Date.now() + DEADLINE_MS; ; ) {
    try {
      return await tool.nextCall(taskId)
    } catch (error) {
      if (Date.now() > until) throw error
    }
  }
}

/** The sockets that a server has accepted and that are not closed: it keeps its own `node:http` server to itself. */
function countSockets({ port }: NodeServer): { readonly count: () => number; readonly stop: () => void } {
  const sockets = new Set<Socket>()
  const accepted = channel('net.server.socket')
  const onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket }
    if (socket.localPort !== port) return
    sockets.add(socket)
    socket.on('close', () => void sockets.delete(socket))
  }
  accepted.subscribe(onSocket)
  return { count: () => sockets.size, stop: () => accepted.unsubscribe(onSocket) }
}
