import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { FetchLike } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { JSONRPCMessage } from '@modelcontextprotocol/sdk/types.js'
import { markValue, unmarkNumbers } from '../../json/marked-numbers.ts'
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
    // The SDK writes the body by `JSON.stringify`, which would lose the digits of a `JsonNumber`.
    fetch: (url, init = {}) =>
      calls.fetch(url, typeof init.body === 'string' ? { ...init, body: unmarkNumbers(init.body) } : init),
  })
  const send = transport.send.bind(transport)
  // A client that connects keeps what it finds here, and calls it first.
  return Object.assign(transport, {
    onmessage: (message: JSONRPCMessage) => calls.received(message),
    send: (
      message: JSONRPCMessage | JSONRPCMessage[],
      options?: Parameters<StreamableHTTPClientTransport['send']>[1],
    ) => send(markValue(message) as JSONRPCMessage, options),
    onerror: ({ message }: Error) => {
      if (message.startsWith('Maximum reconnection attempts')) calls.giveUp()
    },
  })
}
