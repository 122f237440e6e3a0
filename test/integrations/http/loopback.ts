import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { onTestFinished } from 'vitest'
import type { Tool, ToolContext } from '../../../src/index.ts'
import {
  type HttpResponse,
  httpTools,
  type HttpToolError,
  type HttpToolsOptions,
} from '../../../src/integrations/http/index.ts'

export interface Loopback {
  readonly port: number
  /** Of the server by its address. */
  readonly url: string
  /** Of the server by a name, which `resolveToLoopback` knows. */
  readonly at: (name: string, path?: string) => string
  /** Requests so far. */
  readonly requests: readonly IncomingMessage[]
  /** Connections that are open. */
  readonly connectionCount: () => Promise<number>
}

/** A server on loopback, gone with the test. */
export async function startLoopback(
  listener: (request: IncomingMessage, response: ServerResponse) => unknown,
): Promise<Loopback> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    listener(request, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    at: (name, path = '/') => `http://${name}:${port}${path}`,
    requests,
    connectionCount: () =>
      new Promise((resolve, reject) =>
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
      ),
  }
}

/** Every name is this machine. */
export const resolveToLoopback: LookupFunction = (_hostname, options, callback) => {
  if (options.all === true) callback(null, [{ address: '127.0.0.1', family: 4 }])
  else callback(null, '127.0.0.1', 4)
}

/** Answers with JSON. */
export function sendJson(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

/** The text of a request's body. */
export async function readText(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

export interface HttpRig {
  readonly get: (args: Record<string, unknown>, signal?: AbortSignal) => Promise<HttpResponse>
  readonly request: (args: Record<string, unknown>, signal?: AbortSignal) => Promise<HttpResponse>
  readonly tools: readonly Tool[]
}

/** Both tools, called without an engine; they may go to this machine, by every name, unless the options say otherwise. */
export function httpRig(options: HttpToolsOptions = {}): HttpRig {
  const tools = httpTools({ allowPrivateAddresses: true, lookup: resolveToLoopback, ...options })
  const call =
    (tool: Tool | undefined) =>
    async (args: Record<string, unknown>, signal = new AbortController().signal): Promise<HttpResponse> =>
      (await tool?.execute(args, { signal } as ToolContext)) as HttpResponse
  return { tools, get: call(tools[0]), request: call(tools[1]) }
}

/** What a call fails with. */
export async function failureOf(call: Promise<unknown>): Promise<HttpToolError> {
  try {
    await call
  } catch (error) {
    return error as HttpToolError
  }
  throw new Error('Expected the call to fail')
}
