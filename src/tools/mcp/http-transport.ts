import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { HttpCalls } from './http-calls.ts'
import type { Reach } from './server-config.ts'

/** The SDK's transport over Streamable HTTP, every call of which ends: see `HttpCalls`. */
export function createHttpTransport(
  { url, headers }: Reach & { kind: 'http' },
  fetch: FetchLike,
): StreamableHTTPClientTransport {
  const calls = new HttpCalls(fetch, {
    deliver: message => transport.onmessage?.(message),
    tellFault: fault => transport.onerror?.(fault),
  })
  const transport: StreamableHTTPClientTransport = new StreamableHTTPClientTransport(url, {
    requestInit: { headers },
    fetch: calls.fetch,
  })
  // A client that connects keeps what it finds here, and calls it first.
  return Object.assign(transport, {
    onmessage: (message: JSONRPCMessage) => calls.received(message),
    onerror: ({ message }: Error) => {
      if (message.startsWith('Maximum reconnection attempts')) calls.giveUp()
    },
  })
}
