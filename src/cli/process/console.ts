import type { Dispatcher } from '../../cluster/order.ts'
import type { Logger } from '../../log/logger.ts'
import type { Colors } from 'picocolors/types.js'
import type { StrayFaults } from './stray-faults.ts'

/** A writable text stream, a terminal or not: the part of `process.stdout` that the command line uses. */
export interface TextStream {
  readonly isTTY?: boolean
  /** Size of the terminal, characters. */
  readonly columns?: number
  readonly rows?: number
  write(text: string, callback: (error?: Error | null) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** The process of the command line, injected so that tests run commands in their own process. */
export interface CliProcess {
  /** Without the interpreter and the script. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** The command that calls this program, for lines to paste. */
  readonly command: string
  /** Base of relative paths. */
  readonly cwd: string
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean }
  readonly stdout: TextStream
  readonly stderr: TextStream
  /** Called before a module of tools is loaded. */
  readonly beforeForeignCode?: () => void
  /** Calls `listener` at each Ctrl-C or termination signal, with the signal's name. @returns a function that stops listening. */
  onInterrupt(listener: (signal: string) => void): () => void
  /**
   * Calls `listener` with uncaught exceptions and unhandled rejections, which otherwise end the process. @returns a function
   * that stops listening
   */
  onStrayError(listener: (error: unknown) => void): () => void
  /** Opens an address in a browser. @defaultValue the program of the system. @returns whether one could be started */
  readonly openUrl?: (url: string) => Promise<boolean>
  /** Opens a queue that dispatches tasks by its URL. @defaultValue that of BullMQ */
  readonly openQueue?: (url: string, logger: Logger) => Promise<Dispatcher>
  /** Ends the process at once. */
  exit(code: number): void
}

/** The context of a command. */
export interface CommandContext {
  readonly process: CliProcess
  /** Results, read by programs. */
  readonly stdout: Output
  /** Messages for people. */
  readonly stderr: Output
  /** Asynchronous lines for people, outside the command's own output order. */
  readonly notices: Notices
  /** Uncaught exceptions and unhandled rejections. */
  readonly strays: StrayFaults
  /** Colours of `stderr`; the identity where there are none. */
  readonly colors: Colors
}

/** 0 success, 1 some task did not succeed, 2 invalid input or usage, 130 cancelled, or detached before the end. */
export type ExitCode = 0 | 1 | 2 | 130

/** Input or usage is invalid: the message is for people, the process ends with 2. */
export class UsageError extends Error {}

/** A failure (`cause`) with a hint that is printed after it. */
export class HintedError extends Error {
  readonly hint: string

  constructor(cause: unknown, hint: string) {
    super(hint, { cause })
    this.hint = hint
  }
}

/** An ordered output stream with backpressure, whose reader may leave. */
export class Output {
  readonly stream: TextStream
  /** The error that ended the stream, if any. */
  error: (Error & { code?: string }) | undefined

  constructor(stream: TextStream) {
    this.stream = stream
    // Without a listener, a reader that leaves (`| head`) would crash the process with a stack trace.
    stream.on('error', error => (this.error ??= error))
  }

  /** Settles once the reader has consumed the text; never rejects. @returns whether it was consumed. */
  write(text: string): Promise<boolean> {
    if (this.error) return Promise.resolve(false)
    return new Promise(resolve => {
      this.stream.write(text, error => {
        if (error) this.error ??= error
        resolve(!error)
      })
    })
  }

  /** Whether the reader has left, which is not a failure. */
  get isClosed(): boolean {
    return this.error?.code === 'EPIPE' || this.error?.code === 'ERR_STREAM_DESTROYED'
  }
}

/** Receives notices while something is drawn on the terminal. */
export interface NoticeTarget {
  say(line: string): void | Promise<void>
  /** Whether it drops every line. */
  readonly isSilent?: boolean
}

/** Maximum number of notices that wait for the reader of `stderr`; further ones are dropped and counted. */
const MAX_WAITING_NOTICES = 1000

/**
 * Lines on `stderr` that may arrive at any time, such as an MCP server's output.
 *
 * A slow or absent reader costs a bounded number of lines and blocks only `flush`.
 */
export class Notices {
  readonly #stderr: Output
  #target: NoticeTarget | undefined
  #waitingCount = 0
  #droppedCount = 0
  #written: Promise<void> = Promise.resolve()

  constructor(stderr: Output) {
    this.#stderr = stderr
  }

  /** Redirects lines to `target`, or directly to `stderr` without one. */
  showIn(target: NoticeTarget | undefined): void {
    this.#target = target
  }

  /** @param line without a line feed, safe for a terminal @param isUrgent whether it is shown even if the target drops lines */
  tell(line: string, isUrgent = false): void {
    if (this.#waitingCount >= MAX_WAITING_NOTICES) {
      this.#droppedCount += 1
      return
    }
    const dropped = this.#droppedCount === 0 ? '' : ` (${this.#droppedCount} lines before it were dropped)`
    this.#droppedCount = 0
    this.#waitingCount += 1
    // Invariant: never rejects, since neither `Output` nor a target does.
    this.#written = Promise.all([this.#written, this.#write(`${line}${dropped}`, isUrgent)]).then(() => {})
  }

  /** Settles once all lines so far are written; never rejects. */
  flush(): Promise<void> {
    return this.#written
  }

  async #write(line: string, isUrgent: boolean): Promise<void> {
    const target = isUrgent && this.#target?.isSilent ? undefined : this.#target
    if (target === undefined) await this.#stderr.write(`${line}\n`)
    else await target.say(line)
    this.#waitingCount -= 1
  }
}
