import { createBodyStream } from '../../sse/body-stream.ts'
import { type ChunkSource, PullBody } from '../../sse/pull-body.ts'
import { ProtocolChunks } from '../../protocols/protocol-chunks.ts'
import { encodeComment } from '../../sse/encode.ts'
import { createEventBody } from '../../sse/response-body.ts'
import { type FrameBounds, FrameCache } from './frame-cache.ts'
import { describeError } from '../../log/describe-error.ts'
import type { ExecutionHost } from '../../host/execution-host.ts'
import type { ResolvedHandlerOptions } from '../options/handler-options.ts'
import type { HostedExecution } from '../../host/execution/hosted-execution.ts'
import { HttpProblem } from '../answers/problem.ts'
import { JSON_HEADERS, STREAM_HEADERS, VARY } from '../answers/headers.ts'
import { describePlanLine } from '../answers/plan-line.ts'
import { ResultChunks } from './result-body.ts'
import { TextChunks } from './text-chunks.ts'
import { type AgUiRun, chooseFormat, createEncoder, type ProtocolFormat, protocolHeaders } from './stream-format.ts'

/** Bounds of the frames that are kept for further readers. */
const FRAME_BOUNDS: FrameBounds = {
  maxRunningBytes: 8 * 1024 * 1024,
  maxSoleReaderBytes: 1024 * 1024,
  maxBytes: 32 * 1024 * 1024,
}

/** Keeps a connection alive while a result is awaited. JSON ignores white space. */
const WHITE_SPACE = new TextEncoder().encode('\n')

/** A proxy that buffers or compresses would delay headers and heartbeats. */
const AWAITED_HEADERS = { ...VARY, 'Cache-Control': 'no-store, no-transform', 'X-Accel-Buffering': 'no' }

/** The position and headers of a stream. */
export interface StreamStart {
  readonly afterSeq: number
  readonly headers: Readonly<Record<string, string>>
  /** Releases the subscriber, if it was admitted before. */
  readonly release?: (() => void) | undefined
}

/** The begin of a stream in a protocol. */
export interface ProtocolStart extends Omit<StreamStart, 'afterSeq'> {
  readonly run?: (AgUiRun & { readonly isNew: boolean }) | undefined
}

/** Opens a stream of a protocol, and keeps it alive. All its clients ignore comments. */
const COMMENT = new TextEncoder().encode(encodeComment(''))

/** The bodies of executions: event streams and results. */
export class ExecutionResponses {
  readonly #host: ExecutionHost
  readonly #options: ResolvedHandlerOptions
  readonly #frames = new FrameCache(FRAME_BOUNDS)

  constructor(host: ExecutionHost, options: ResolvedHandlerOptions) {
    this.#host = host
    this.#options = options
  }

  /** The events after a position. @throws HttpProblem 429 for a subscriber above the limit, 400 for an unknown format */
  streamEvents(request: Request, hosted: HostedExecution, { afterSeq, headers, release }: StreamStart): Response {
    const format = chooseFormat(request) ?? this.#options.format
    if (typeof format === 'object') return this.streamProtocol(request, hosted, format, { headers, release })
    const all = { ...STREAM_HEADERS, ...VARY, ...headers }
    // HEAD opens no stream.
    if (request.method === 'HEAD') return new Response(null, { headers: all })
    const { cursor, leave } = this.#host.subscribers.follow(hosted, afterSeq, release)
    const { heartbeatMs, stallTimeoutMs, execution } = this.#options
    const { executionId, log } = hosted
    const frames = this.#frames.read(log, cursor)
    const body = createEventBody(cursor, {
      executionId,
      heartbeatMs,
      stallTimeoutMs,
      format,
      clock: execution.clock,
      join: entries => frames.encode(entries),
      takeEncoded: () => frames.take(),
      onClose: () => {
        frames.close()
        leave()
      },
      onError: error => this.report('The event stream failed', error, { executionId }),
    })
    return new Response(body, { headers: all })
  }

  /**
   * A run from its begin, in the protocol of a user interface.
   * @throws HttpProblem 429 for a subscriber above the limit, 400 for an `answer` that is no task
   */
  streamProtocol(
    request: Request,
    hosted: HostedExecution,
    format: ProtocolFormat,
    { headers, release, run }: ProtocolStart,
  ): Response {
    const all = { ...STREAM_HEADERS, ...VARY, ...headers, ...protocolHeaders(format) }
    const protocol = createEncoder(format, hosted, run)
    if (request.method === 'HEAD') return new Response(null, { headers: all })
    const { cursor, leave } = this.#host.subscribers.follow(hosted, 0, release)
    const { heartbeatMs, stallTimeoutMs, execution } = this.#options
    const { executionId } = hosted
    const chunks = new ProtocolChunks(cursor, protocol, {
      clock: execution.clock,
      isPaused: () => hosted.isPersonAwaited,
      onPause: callback => hosted.watchPersonWait(callback),
    })
    const body = new PullBody(chunks, {
      first: COMMENT,
      heartbeat: COMMENT,
      heartbeatMs,
      stallTimeoutMs,
      clock: execution.clock,
      onClose: leave,
      // A clean end would look like success.
      onError: error => {
        this.report('The event stream failed', error, { executionId })
        return undefined
      },
    })
    return new Response(createBodyStream(body), { headers: all })
  }

  /** Encodes the events of a running execution as they are appended, for later readers. */
  encodeAhead({ log }: HostedExecution): void {
    this.#frames.encodeAhead(log)
  }

  /** Evicts the frames of a deleted execution. */
  forget(executionId: string): void {
    this.#frames.forget(executionId)
  }

  /**
   * Answers with the result when the execution ends. Headers are sent at once, so that the client knows the id while it
   * waits.
   * @throws HttpProblem 503 if the execution does not run in this process
   */
  awaitResult(hosted: HostedExecution, headers: Readonly<Record<string, string>>): Response {
    const { ending } = hosted.log
    if (typeof ending === 'object') {
      const { error: detail, code } = ending.data
      throw new HttpProblem(503, { title: 'Service unavailable', detail, code }, { ...headers, 'Retry-After': '1' })
    }
    const leave = hosted.disconnectPolicy.join()
    const chunks = new ResultChunks(hosted, this.#options.execution.store)
    return this.#sendChunks(hosted, chunks, { ...headers, ...AWAITED_HEADERS }, leave)
  }

  /** The status of an execution, with its result once it has ended. */
  showExecution(request: Request, hosted: HostedExecution): Response {
    const { executionId, status, forkedFrom } = hosted
    const head = { executionId, status, ...(forkedFrom && { forkedFrom }) }
    if (!hosted.hasEnded || request.method === 'HEAD') {
      const { parked } = hosted
      const headers = { ...JSON_HEADERS, ...describePlanLine(hosted) }
      return Response.json({ ...head, ...(parked && { parked }) }, { headers })
    }
    const prefix = `${JSON.stringify(head).slice(0, -1)},"result":`
    const chunks = new ResultChunks(hosted, this.#options.execution.store, prefix, '}')
    return this.#sendChunks(hosted, chunks, describePlanLine(hosted))
  }

  /** The output as the whole body. */
  showOutput(request: Request, hosted: HostedExecution, json: string): Response {
    if (request.method === 'HEAD') return new Response(null, { headers: JSON_HEADERS })
    return this.#sendChunks(hosted, new TextChunks(json))
  }

  /** Logs an error that the client does not see. @returns the reference that is in both the log and the answer */
  report(message: string, error: unknown, fields: Readonly<Record<string, unknown>> = {}): string {
    const reference = crypto.randomUUID()
    this.#options.execution.logger.warn(message, { ...fields, reference, error: describeError(error) })
    return reference
  }

  #sendChunks(
    hosted: HostedExecution,
    chunks: ChunkSource,
    headers: Readonly<Record<string, string>> = {},
    onClose: () => void = () => {},
  ): Response {
    const release = this.#host.subscribers.trackResponse()
    const { heartbeatMs, stallTimeoutMs, execution } = this.#options
    const body = new PullBody(chunks, {
      ...(!hosted.hasEnded && { first: WHITE_SPACE }),
      heartbeat: WHITE_SPACE,
      heartbeatMs,
      stallTimeoutMs,
      clock: execution.clock,
      onClose: () => {
        release()
        onClose()
      },
      onError: error => {
        this.report('The result could not be sent', error, { executionId: hosted.executionId })
        return undefined
      },
    })
    return new Response(createBodyStream(body), { headers: { ...JSON_HEADERS, ...headers } })
  }
}
