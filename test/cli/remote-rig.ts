import { Readable } from 'node:stream'
import { vi } from 'vitest'
import { createBuiltinTools } from '../../src/cli/input/builtin-tools.ts'
import { runCli } from '../../src/cli/commands/program.ts'
import { createHandler, type Handler, type HandlerOptions } from '../../src/http/index.ts'
import { FakeProcess } from './fake-process.ts'

export const SERVER = 'http://server.test/base'

/** A server without sockets, which every `fetch` of the test reaches, and what it was asked for. */
export interface FakeServer {
  readonly handler: Handler
  /** `METHOD path`, in order. */
  readonly requests: string[]
  /** Answers instead of the server where it returns something. */
  intercept: (request: Request) => Response | undefined
}

/** Stands in for the global `fetch` until `vi.unstubAllGlobals`. */
export function startFakeServer(options: Partial<HandlerOptions> = {}): FakeServer {
  const handler = createHandler({ tools: createBuiltinTools(), ...options })
  const server: FakeServer = { handler, requests: [], intercept: () => undefined }
  vi.stubGlobal('fetch', async (request: Request) => {
    const url = new URL(request.url)
    url.pathname = url.pathname.replace('/base', '')
    server.requests.push(`${request.method} ${url.pathname}`)
    return server.intercept(request) ?? handler.fetch(new Request(url, request))
  })
  return server
}

/** A command line whose standard input is a workflow. */
export function processFor(workflow: unknown, ...argv: string[]): FakeProcess {
  const process = new FakeProcess(...argv)
  process.stdin = Readable.from([JSON.stringify(workflow)])
  return process
}

/** Runs a workflow on the fake server. */
export async function runRemotely(workflow: unknown, ...argv: string[]): Promise<FakeProcess & { code: number }> {
  const process = processFor(workflow, 'run', '-', '--server', SERVER, ...argv)
  const code = await runCli(process)
  return Object.assign(process, { code })
}

/** The messages of an event stream, comments left out. */
export function messagesOf(sse: string): string[] {
  return sse.split('\n\n').filter(message => message !== '' && !message.startsWith(':'))
}
