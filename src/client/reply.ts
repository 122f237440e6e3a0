import { DagstreamError } from '../errors.ts'
import { parseJson } from '../json/parse-json.ts'
import { StreamInterruptedError } from './failures.ts'
import type { AbortScope } from './abort-scope.ts'

/**
 * A response and its body, which is aborted after `idleTimeoutMs` without a byte. A half-open connection is silent, while a
 * server sends a comment or white space at least every 8 s.
 *
 * The caller must read the body or close the reply.
 */
export class Reply {
  readonly response: Response
  readonly #scope: AbortScope
  readonly #idleTimeoutMs: number
  #onOver = (): void => {}

  /** @param scope of the request: ending it aborts the request */
  constructor(response: Response, scope: AbortScope, idleTimeoutMs: number) {
    this.response = response
    this.#scope = scope
    this.#idleTimeoutMs = idleTimeoutMs
  }

  /** Calls back whenever its body has ended, was left, or has failed; one listener. */
  onOver(callback: () => void): void {
    this.#onOver = callback
  }

  get status(): number {
    return this.response.status
  }

  /** Whether the body can be read while it arrives. Some runtimes do not support this. */
  get isIncremental(): boolean {
    return typeof this.response.body?.getReader === 'function'
  }

  /** The body while it arrives. Nothing is read ahead of the reader, so backpressure reaches the server. */
  stream(): ReadableStream<Uint8Array> {
    const reader = (this.response.body as ReadableStream<Uint8Array>).getReader()
    const leave = (): void => {
      this.#abort()
      // A body of this process does not observe the signal. Its failure no longer matters.
      reader.cancel().catch(() => {})
    }
    return new ReadableStream<Uint8Array>(
      {
        pull: async controller => {
          try {
            const { done, value } = await this.#scope.for(reader.read(), this.#idleTimeoutMs)
            if (!done) return controller.enqueue(value)
            this.#scope.close()
            this.#onOver()
            controller.close()
          } catch (error) {
            leave()
            throw error
          }
        },
        cancel: leave,
      },
      { highWaterMark: 0 },
    )
  }

  /**
   * The whole body as text. Where it cannot be read incrementally, the idle timeout bounds the whole read.
   * @throws DagstreamError `HTTP_ERROR` beyond `maxBytes`; and any failure of the body
   */
  async text(maxBytes: number): Promise<string> {
    if (!this.isIncremental) return this.#wholeText()
    const reader = this.stream().getReader()
    const decoder = new TextDecoder()
    let text = ''
    let bytes = 0
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text + decoder.decode()
      bytes += value.length
      if (bytes > maxBytes) {
        reader.cancel().catch(() => {})
        throw new DagstreamError('HTTP_ERROR', `Expected a body of at most ${maxBytes} bytes, got more`, {
          details: { status: this.status, maxBytes },
        })
      }
      text += decoder.decode(value, { stream: true })
    }
  }

  /** The body as JSON. @throws as `text`; `StreamInterruptedError` for invalid JSON, as of a truncated body */
  async json(maxBytes: number): Promise<unknown> {
    const text = await this.text(maxBytes)
    try {
      return parseJson(text)
    } catch (cause) {
      throw new StreamInterruptedError('The body is no JSON; it may have been cut short', { cause })
    }
  }

  async #wholeText(): Promise<string> {
    try {
      const text = await this.#scope.for(this.response.text(), this.#idleTimeoutMs)
      this.#scope.close()
      return text
    } catch (error) {
      this.#abort()
      throw error
    }
  }

  /** Discards the rest of the body. Idempotent, also after the end. */
  close(): void {
    this.#abort()
    const { body } = this.response
    if (typeof body?.cancel === 'function' && !body.locked) body.cancel().catch(() => {})
  }

  #abort(): void {
    this.#scope.end(new DOMException('The reader has left', 'AbortError'))
    this.#onOver()
  }
}
