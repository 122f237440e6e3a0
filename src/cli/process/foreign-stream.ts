import { Writable } from 'node:stream'
import { WriteStream } from 'node:tty'

/**
 * A standard stream as tools have it: writes to `target`, which they can neither end nor hold up.
 *
 * On a terminal it has what a stream to one has: its size, its colours, its cursor.
 */
export class ForeignStream extends Writable {
  /** As standard error has it. */
  readonly fd: number = 2
  readonly #target: NodeJS.WriteStream
  /** Taken before anything can replace it. */
  readonly #writeTo: NodeJS.WriteStream['write']

  constructor(target: NodeJS.WriteStream, writeTo: NodeJS.WriteStream['write'] = target.write.bind(target)) {
    super({ decodeStrings: false })
    this.#target = target
    this.#writeTo = writeTo
    if (target.isTTY) this.#actAsTerminal()
    // What is written to it does not fail; without a listener, an error that a tool emits on it would be a fault.
    this.on('error', () => {})
  }

  /** Itself, or a new one once it was ended. */
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
    // To a file, a terminal or a pipe it is written by now: what comes next must not wait for a turn that may never come.
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
