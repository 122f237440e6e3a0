import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { afterTurn, isTurnSpent } from '../../clock.ts'
import { expectMethods } from '../../errors.ts'
import { takeBody } from '../../sse/body-stream.ts'
import { LATER, type PullBody } from '../../sse/pull-body.ts'
import { problem } from '../answers/problem.ts'
import { markTended } from '../body/unread-body.ts'
import { ConnectionTurns } from './connection-turns.ts'
import { discardBehindAnswer, discardBesideAnswer } from './discard.ts'

/** What answers a request; a `Handler` of `dagstream/http`, or one wrapped. */
export interface Fetcher {
  readonly fetch: (request: Request) => Response | Promise<Response>
}

/** For the `request` event of a server of `node:http`, `node:https` or `node:http2`. */
export type Listener = (
  incoming: IncomingMessage | Http2ServerRequest,
  outgoing: ServerResponse | Http2ServerResponse,
) => void

/**
 * Serves a handler on a server of one's own.
 *
 * Bodies that dagstream makes are written straight from their source, at the pace of the socket: between the two lies no
 * queue but the socket's own.
 * @throws `INVALID_OPTION` for what has no `fetch`
 */
export function createListener(handler: Fetcher): Listener {
  expectMethods('handler', handler, ['fetch'])
  const { fetch } = handler
  const turns = new ConnectionTurns()
  const listen = getRequestListener(
    async (request, { incoming, outgoing }) => {
      const http1 = 'stream' in outgoing ? undefined : outgoing
      const turn = http1 && turns.take(incoming as IncomingMessage, http1)
      if (turn !== undefined && !(await turn)) return RESPONSE_ALREADY_SENT
      // No platform makes a request of it: what the adapter throws then would look like a fault of the server.
      const isTrace = request.method === 'TRACE'
      const response = isTrace
        ? problem(501, { title: 'Not implemented' })
        : await fetch(tend(hasUnknownLength(request) ? rebuild(request) : request))
      if (http1 && !incoming.complete) {
        // A short body that came with its headers is parsed by then.
        await new Promise<void>(afterTurn)
        // The rest is read and dropped, within bounds. A client that learns of the close may stop sending.
        if (!incoming.complete) http1.shouldKeepAlive = false
      }
      const body = response.body && takeBody(response.body)
      if (!body) return response
      if (http1) discardBesideAnswer(incoming as IncomingMessage)
      if (hasLeft(outgoing)) {
        // No `close` will come any more.
        body.cancel()
        return RESPONSE_ALREADY_SENT
      }
      const headers = Object.fromEntries(response.headers)
      // `writeHead` of either protocol takes these; their overloads do not meet.
      ;(outgoing as ServerResponse).writeHead(response.status, headers)
      new BodyWriter(body, outgoing as ServerResponse).start()
      // Over HTTP/2 the adapter destroys what it takes for answered if the body of the request was not read.
      if ('stream' in outgoing) await new Promise(resolve => outgoing.once('close', resolve))
      return RESPONSE_ALREADY_SENT
    },
    // The process belongs to the caller: its globals stay unchanged.
    { overrideGlobalObjects: false },
  )
  return (incoming, outgoing) => {
    if (!('stream' in outgoing)) {
      discardBehindAnswer(incoming as IncomingMessage, outgoing)
      // What follows on a connection without a host would be refused too.
      if (incoming.headers.host === undefined) outgoing.shouldKeepAlive = false
    }
    // It answers what it fails at, and never rejects.
    void listen(incoming, outgoing)
  }
}

/** A response of HTTP/2 does not tell by itself that its stream is gone. */
function hasLeft(outgoing: ServerResponse | Http2ServerResponse): boolean {
  return 'stream' in outgoing ? outgoing.stream.closed || outgoing.stream.destroyed : outgoing.destroyed
}

/** The rest of the body is read after the answer; over HTTP/2 a refused stream is cancelled. */
function tend(request: Request): Request {
  markTended(request)
  return request
}

function hasUnknownLength({ method, headers }: Request): boolean {
  return method !== 'GET' && method !== 'HEAD' && !headers.has('content-length')
}

/** A request as the platform itself would make it: the adapter's own cannot be the model for another one, as a limit needs it. */
function rebuild({ url, method, headers, body, signal }: Request): Request {
  // The types of browsers do not know `duplex` yet, which a body that is a stream needs.
  return new Request(url, { method, headers, body, signal, duplex: 'half' } as RequestInit)
}

/** Writes one body at the pace of its socket. It ends or destroys `outgoing` when the body ends, fails or is not taken. */
class BodyWriter {
  readonly #body: PullBody
  readonly #outgoing: ServerResponse

  constructor(body: PullBody, outgoing: ServerResponse) {
    this.#body = body
    this.#outgoing = outgoing
  }

  start(): void {
    const outgoing = this.#outgoing
    outgoing.on('close', () => this.#body.cancel())
    outgoing.on('error', this.#destroy)
    this.#advance()
    // Where there is nothing to write yet, headers go alone.
    if (!outgoing.writableEnded) outgoing.flushHeaders()
  }

  readonly #advance = (): void => {
    try {
      for (;;) {
        if (this.#outgoing.destroyed) return
        // A socket that takes everything at once is not to keep the others waiting.
        if (isTurnSpent()) return afterTurn(this.#advance)
        const chunk = this.#body.next(this.#receive)
        if (chunk === LATER || !this.#write(chunk)) return
      }
    } catch {
      // The body failed and logged the cause; the broken connection shows the client that something is missing.
      this.#destroy()
    }
  }

  readonly #receive = (chunk: Uint8Array | undefined, error?: unknown): void => {
    if (error !== undefined) this.#destroy()
    else if (this.#write(chunk)) this.#advance()
  }

  /** Without an error, HTTP/2 would tell the client of an orderly end; HTTP/1.1 needs none. */
  readonly #destroy = (): void => {
    const isStream = 'stream' in this.#outgoing
    this.#outgoing.destroy(isStream ? new Error('The body could not be completed') : undefined)
  }

  /** @returns whether more may be written at once */
  #write(chunk: Uint8Array | undefined): boolean {
    const outgoing = this.#outgoing
    if (chunk === undefined) {
      outgoing.end()
      return false
    }
    if (outgoing.write(chunk)) return true
    // A peer that leaves makes no `drain`; `close` comes then, and always.
    outgoing.once('drain', this.#advance)
    this.#body.watch(this.#destroy)
    return false
  }
}
