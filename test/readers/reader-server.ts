import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { createHandler, type HandlerOptions } from '../../src/http/index.ts'
import { serve } from '../../src/http/node/index.ts'
import type { DAGStructure } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'

/** A request as it came to the server. */
export interface SeenRequest {
  readonly method: string
  readonly path: string
  /** Who says it is: the `reader` of the query. */
  readonly reader: string | null
  readonly lastEventId: string | null
}

/** A server on real sockets, whose tool `work` and whose connections the test holds in its hand. */
export interface ReaderServer {
  /** Where the server itself listens. */
  readonly port: number
  /** Where it is reached by connections that `cut` can break. */
  readonly url: string
  readonly tool: ControlledTool
  /** In the order in which they came. */
  readonly requests: SeenRequest[]
  /** Starts an execution that nobody needs to follow. @returns its id */
  readonly start: (workflow: DAGStructure) => Promise<string>
  /** Breaks every connection there is, in the middle of whatever it carries. */
  readonly cut: () => void
  readonly close: () => Promise<void>
}

/** What a page of the server's own origin needs: a document. */
const PAGE = '<!doctype html><meta charset="utf-8"><title>A reader</title>'

/** @param serveFile answers other paths of the same origin */
export async function startReaderServer(
  options: Partial<HandlerOptions> = {},
  serveFile: (path: string) => Promise<Response | undefined> = () => Promise.resolve(undefined),
): Promise<ReaderServer> {
  const tool = new ControlledTool()
  const handler = createHandler({ drainMs: 0, ...options, tools: { work: tool.execute, ...toolsOf(options) } })
  const requests: SeenRequest[] = []
  const fetch = async (request: Request): Promise<Response> => {
    const { pathname, searchParams } = new URL(request.url)
    if (pathname === '/page') return new Response(PAGE, { headers: { 'Content-Type': 'text/html' } })
    const file = await serveFile(pathname)
    if (file) return file
    const { method, headers } = request
    // Browsers ask for an icon too.
    if (pathname.startsWith('/executions'))
      requests.push({
        method,
        path: pathname,
        reader: searchParams.get('reader'),
        lastEventId: headers.get('last-event-id'),
      })
    return handler.fetch(request)
  }
  const server = await serve({ fetch, close: handler.close }, { port: 0 })
  const proxy = await startProxy(server.port)
  return {
    port: server.port,
    url: proxy.url,
    tool,
    requests,
    async start(workflow) {
      const headers = { 'Content-Type': 'application/json', Prefer: 'respond-async' }
      const response = await globalThis.fetch(`${server.url}/executions`, {
        method: 'POST',
        headers,
        body: JSON.stringify(workflow),
      })
      return ((await response.json()) as { executionId: string }).executionId
    },
    cut: proxy.cut,
    async close() {
      for (const call of tool.takeAll()) call.succeed()
      proxy.close()
      await server.close()
    },
  }
}

function toolsOf({ tools }: Partial<HandlerOptions>): Record<string, never> {
  return (tools ?? {}) as Record<string, never>
}

/** Passes bytes on, both ways, at the pace of the slower side. */
async function startProxy(port: number): Promise<{ url: string; cut: () => void; close: () => void }> {
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const upstream = connect({ port, host: '127.0.0.1' })
    client.pipe(upstream).pipe(client)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      const end = (): void => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      }
      socket.on('error', end).on('close', end)
    }
  })
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  const cut = (): void => {
    // A reset, not an orderly end: what networks do.
    for (const socket of sockets) socket.resetAndDestroy()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    close() {
      server.close()
      cut()
    },
  }
}
