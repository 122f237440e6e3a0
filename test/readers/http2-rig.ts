import { once } from 'node:events'
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createParser } from 'eventsource-parser'
import { createHandler, type HandlerOptions } from '../../src/http/index.ts'
import { createListener, type Fetcher } from '../../src/http/node/index.ts'
import type { DAGStructure } from '../../src/index.ts'
import { ControlledTool } from '../support/controlled-tool.ts'
import { Reading } from './reading.ts'

const closing: (() => Promise<void>)[] = []

/** Ends all that has been started. */
export async function closeAll(): Promise<void> {
  for (const close of closing.splice(0).toReversed()) await close()
}

export interface Listening {
  readonly url: string
  readonly session: ClientHttp2Session
  /** One more connection. */
  readonly connect: () => ClientHttp2Session
  /** The server's sides of the streams, in the order in which they began. */
  readonly streams: ServerHttp2Stream[]
}

export async function listen(fetcher: Fetcher): Promise<Listening> {
  const listener = createListener(fetcher)
  const server = createServer((incoming, outgoing) => listener(incoming, outgoing))
  const streams: ServerHttp2Stream[] = []
  server.on('stream', stream => streams.push(stream))
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const sessions: ClientHttp2Session[] = []
  const open = (): ClientHttp2Session => {
    const session = connect(url)
    sessions.push(session)
    return session
  }
  closing.push(async () => {
    for (const session of sessions) session.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return { url, session: open(), connect: open, streams }
}

export interface Rig extends Listening {
  readonly tool: ControlledTool
  readonly metric: (name: string) => Promise<number>
}

export async function start(options: Partial<HandlerOptions> = {}): Promise<Rig> {
  const tool = new ControlledTool()
  const handler = createHandler({ drainMs: 0, ...options, tools: { work: tool.execute, ...(options.tools as object) } })
  const listening = await listen(handler)
  closing.push(async () => {
    for (const call of tool.takeAll()) call.succeed()
    await handler.close()
  })
  const metric = async (name: string): Promise<number> => {
    const text = await (await handler.fetch(new Request('http://localhost/metrics'))).text()
    return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1])
  }
  return { ...listening, tool, metric }
}

export async function answerOf(stream: ClientHttp2Stream): Promise<IncomingHttpHeaders & { ':status'?: number }> {
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  return headers
}

export function post(session: ClientHttp2Session, accept: string, workflow: DAGStructure): ClientHttp2Stream {
  const headers = { ':method': 'POST', ':path': '/executions', accept, 'content-type': 'application/json' }
  const stream = session.request(headers)
  stream.end(JSON.stringify(workflow))
  return stream
}

export function get(
  session: ClientHttp2Session,
  path: string,
  headers: Record<string, string> = {},
): ClientHttp2Stream {
  return session.request({ ':path': path, ...headers })
}

/** Reads a stream as events; closed when it has ended in order. */
export function read(stream: ClientHttp2Stream): Reading {
  const reading = new Reading()
  const parser = createParser({
    onEvent: ({ id = '', event = 'message', data }) => reading.add({ id, type: event, data, at: Date.now() }),
  })
  stream
    .setEncoding('utf8')
    .on('data', (text: string) => parser.feed(text))
    .on('end', reading.close)
  return reading
}

export async function textOf(stream: ClientHttp2Stream): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) text += chunk as string
  return text
}
