import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import { afterTurn, isTurnSpent } from '../../clock.ts'
import { expectMethods } from '../../errors.ts'
import { takeBody } from '../../sse/body-stream.ts'
import { LATER, type PullBody } from '../../sse/pull-body.ts'
import { problem } from '../answers/problem.ts'
import { setCarrier } from '../body/carrier.ts'
import { ConnectionTurns } from './connection-turns.ts'
import { discardBehindAnswer, discardBesideAnswer } from './discard.ts'
import { liftTimeLimit } from './request-time.ts'

/** An object that answers requests: a `Handler` of `dagstream/http`, or a wrapped one. */
export interface Fetcher {
  readonly fetch: (request: Request) => Response | Promise<Response>
}

/** For the `request` event of a server of `node:http`, `node:https` or `node:http2`. */
export type Listener = (
  incoming: IncomingMessage | Http2ServerRequest,
  outgoing: ServerResponse | Http2ServerResponse,
) => void

/**
 * Serves a handler on a server that the caller makes.
 *
 * Bodies that dagstream makes are written directly from their source at the pace of the socket; the only queue between is
 * that of the socket.
 * @throws `INVALID_OPTION` for a handler without `fetch`
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
      // No platform makes a `Request` with this method; the error of the adapter would look like a fault of the server.
      const isTrace = request.method === 'TRACE'
      const response = isTrace
        ? problem(501, { title: 'Not implemented' })
        : await fetch(carry(hasUnknownLength(request) ? rebuild(request) : request, incoming, outgoing))
      if (http1 && !incoming.complete) {
        // By then a short body that arrived with its headers has been parsed.
        await new Promise<void>(afterTurn)
        // The rest is read and discarded, within bounds. A client that sees the close may stop sending.
        if (!incoming.complete) http1.shouldKeepAlive = false
      }
      const body = response.body && takeBody(response.body)
      if (!body) return response
      if (http1) discardBesideAnswer(incoming as IncomingMessage)
      if (hasLeft(outgoing)) {
        // `close` was emitted before.
        body.cancel()
        return RESPONSE_ALREADY_SENT
      }
      const headers = Object.fromEntries(response.headers)
      // `writeHead` of either protocol accepts these headers; only the overloads differ.
      ;(outgoing as ServerResponse).writeHead(response.status, headers)
      new BodyWriter(body, outgoing as ServerResponse).start()
      // Over HTTP/2 the adapter destroys a stream that it considers answered if the body of the request was not read.
      if ('stream' in outgoing) await new Promise(resolve => outgoing.once('close', resolve))
      return RESPONSE_ALREADY_SENT
    },
    // The process belongs to the caller: its globals stay unchanged.
    { overrideGlobalObjects: false },
  )
  return (incoming, outgoing) => {
    if (!('stream' in outgoing)) {
      discardBehindAnswer(incoming as IncomingMessage, outgoing)
      // Further requests of a client that sends no `Host` would be refused, too.
      if (incoming.headers.host === undefined) outgoing.shouldKeepAlive = false
    }
    // Never rejects: it answers its own failures.
    void listen(incoming, outgoing)
  }
}

/** An HTTP/2 response does not report the end of its stream by itself. */
function hasLeft(outgoing: ServerResponse | Http2ServerResponse): boolean {
  return 'stream' in outgoing ? outgoing.stream.closed || outgoing.stream.destroyed : outgoing.destroyed
}

/** The rest of the body is read after the answer; over HTTP/2 a refused stream is cancelled. */
function carry(
  request: Request,
  incoming: IncomingMessage | Http2ServerRequest,
  outgoing: ServerResponse | Http2ServerResponse,
): Request {
  setCarrier(request, {
    liftTimeLimit: () => liftTimeLimit(incoming),
    ...('stream' in outgoing && { isReset: () => outgoing.stream.aborted }),
    abort: () => {
      // Without an error the stream would end in order.
      if ('stream' in outgoing) outgoing.stream.destroy(new Error('The request was aborted'))
      else incoming.socket.destroy()
    },
  })
  return request
}

function hasUnknownLength({ method, headers }: Request): boolean {
  return method !== 'GET' && method !== 'HEAD' && !headers.has('content-length')
}

/**
 * Copies a request of the adapter by the platform's constructor: `new Request(request)`, which limits need, fails for the
 * adapter's own objects.
 */
function rebuild({ url, method, headers, body, signal }: Request): Request {
  // A stream body needs `duplex`, which the DOM types do not have yet.
  return new Request(url, { method, headers, body, signal, duplex: 'half' } as RequestInit)
}

/**
 * Writes one body at the pace of its socket. It ends or destroys `outgoing` when the body ends, fails or is not consumed.
 */
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
    // Without a chunk to write yet, send the headers alone.
    if (!outgoing.writableEnded) outgoing.flushHeaders()
  }

  readonly #advance = (): void => {
    try {
      for (;;) {
        if (this.#outgoing.destroyed) return
        // A socket that accepts everything at once must not starve the others.
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

  /** Without an error, HTTP/2 would signal an orderly end to the client; HTTP/1.1 needs none. */
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
    // A disconnected peer causes no `drain`; `close` is always emitted.
    outgoing.once('drain', this.#advance)
    this.#body.watch(this.#destroy)
    return false
  }
}
