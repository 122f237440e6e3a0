import { Writable } from 'node:stream'
import { WriteStream } from 'node:tty'

/**
 * A standard stream for tools: writes to `target`, but cannot end or block it.
 *
 * On a terminal it exposes the terminal's size, colours and cursor.
 */
export class ForeignStream extends Writable {
  /** The descriptor of standard error. */
  readonly fd: number = 2
  readonly #target: NodeJS.WriteStream
  /** Captured before other code can replace it. */
  readonly #writeTo: NodeJS.WriteStream['write']

  constructor(target: NodeJS.WriteStream, writeTo: NodeJS.WriteStream['write'] = target.write.bind(target)) {
    super({ decodeStrings: false })
    this.#target = target
    this.#writeTo = writeTo
    if (target.isTTY) this.#actAsTerminal()
    // Writes never fail, but an `error` that a tool emits would be uncaught without a listener.
    this.on('error', () => {})
  }

  /** Returns itself, or a new stream once it has ended. */
  orNext(): ForeignStream {
    return this.writableEnded || this.destroyed ? new ForeignStream(this.#target, this.#writeTo) : this
  }

  override _write(chunk: string | Uint8Array, encoding: BufferEncoding, callback: () => void): void {
    let isSettled = false
    const settle = (): void => {
      if (!isSettled) callback()
      isSettled = true
    }
    if (typeof chunk === 'string') this.#writeTo(chunk, encoding, settle)
    else this.#writeTo(chunk, settle)
    // To a file, a terminal or a pipe the write is already complete. Waiting for another turn is unsafe: it may never come.
    if (this.#target.writableLength === 0) settle()
  }

  #actAsTerminal(): void {
    const target: Record<string, unknown> & object = Object(this.#target)
    const forwarded = ['isTTY', 'columns', 'rows', ...Object.getOwnPropertyNames(WriteStream.prototype)]
    for (const name of forwarded) {
      if (name === 'constructor' || name.startsWith('_')) continue
      const get = (): unknown => {
        const value = target[name]
        return typeof value === 'function' ? value.bind(target) : value
      }
      Object.defineProperty(this, name, { configurable: true, get })
    }
  }
}
