import type { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js'
import { McpTools } from './create-server.ts'
import { load, loadMcpSdk } from './load-sdk.ts'
import type { McpContext } from './mcp-context.ts'

/** A server on a pair of streams. */
export interface StdioServer {
  /** Resolves once the client has left, or after `close`. */
  readonly ended: Promise<void>
  /** Cancels the calls in flight. */
  readonly close: () => Promise<void>
}

type Streams = ConstructorParameters<typeof StdioServerTransport>

/** The streams of Node.js that a client writes to and reads from. */
export interface StdioStreams {
  readonly input: NonNullable<Streams[0]>
  readonly output: NonNullable<Streams[1]>
}

/** Serves one client, one message per line. @throws `MISSING_PACKAGE` */
export async function serveStdio(context: McpContext, { input, output }: StdioStreams): Promise<StdioServer> {
  const [sdk, { StdioServerTransport }] = await Promise.all([
    loadMcpSdk(),
    load(() => import('@modelcontextprotocol/sdk/server/stdio.js')),
  ])
  const server = new McpTools(sdk, context).createServer()
  const ended = new Promise<void>(resolve => {
    Object.assign(server, { onclose: resolve })
  })
  const close = (): Promise<void> => server.close()
  // The transport of the SDK does not notice that its input ends.
  input.once('end', () => void close().catch(() => {}))
  await server.connect(new StdioServerTransport(input, output))
  return { ended, close }
}
