import type { Colors } from 'picocolors/types.js'
import type { StrayFaults } from './stray-faults.ts'

/** A writable stream of text, a terminal or not: what the command line needs of `process.stdout`. */
export interface TextStream {
  readonly isTTY?: boolean
  /** Size of the terminal, characters. */
  readonly columns?: number
  readonly rows?: number
  write(text: string, callback: (error?: Error | null) => void): unknown
  on(event: 'error', listener: (error: Error) => void): unknown
}

/** The process as the command line sees it, injected so that tests run commands in their own. */
export interface CliProcess {
  /** Without the interpreter and the script. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** How it is called, for lines to paste. */
  readonly command: string
  /** Where relative paths start. */
  readonly cwd: string
  readonly stdin: AsyncIterable<Uint8Array | string> & { readonly isTTY?: boolean }
  readonly stdout: TextStream
  readonly stderr: TextStream
  /** Called before a module of tools is loaded. */
  readonly beforeForeignCode?: () => void
  /** Calls `listener` at each Ctrl-C or request to terminate, with the name of the signal. @returns what stops that. */
  onInterrupt(listener: (signal: string) => void): () => void
  /** Calls `listener` with what was thrown or rejected where nobody waits for it, which else ends the process. @returns what stops that */
  onStrayError(listener: (error: unknown) => void): () => void
  /** Ends the process at once. */
  exit(code: number): void
}

/** What a command is given. */
export interface CommandContext {
  readonly process: CliProcess
  /** For results, read by programs. */
  readonly stdout: Output
  /** For people. */
  readonly stderr: Output
  /** Lines for people that come from outside the command's own order of things. */
  readonly notices: Notices
  /** What was thrown or rejected where nothing waits for it. */
  readonly strays: StrayFaults
  /** Colours of `stderr`; the identity where there are none. */
  readonly colors: Colors
}

/** 0 success, 1 some task did not succeed, 2 invalid input or usage, 130 cancelled, or left before the end. */
export type ExitCode = 0 | 1 | 2 | 130

/** Input or usage is invalid: the message is for people, the process ends with 2. */
export class UsageError extends Error {}

/** A failure, its `cause`, with a line of help that is told after it. */
export class HintedError extends Error {
  readonly hint: string

  constructor(cause: unknown, hint: string) {
    super(hint, { cause })
    this.hint = hint
  }
}

/** A stream that is written to in order, at its reader's pace, and whose reader may leave. */
export class Output {
  readonly stream: TextStream
  /** Why nothing more can be written, once that is so. */
  error: (Error & { code?: string }) | undefined

  constructor(stream: TextStream) {
    this.stream = stream
    // Without a listener, a reader that leaves (`| head`) would end the process with a stack trace.
    stream.on('error', error => (this.error ??= error))
  }

  /** Settles once the reader has taken it; never rejects. @returns whether it did. */
  write(text: string): Promise<boolean> {
    if (this.error) return Promise.resolve(false)
    return new Promise(resolve => {
      this.stream.write(text, error => {
        if (error) this.error ??= error
        resolve(!error)
      })
    })
  }

  /** Whether the reader has left, which is its right and no failure. */
  get isClosed(): boolean {
    return this.error?.code === 'EPIPE' || this.error?.code === 'ERR_STREAM_DESTROYED'
  }
}

/** Where notices appear while something is drawn on the terminal. */
export interface NoticePlace {
  say(line: string): void | Promise<void>
  /** Whether it drops every line. */
  readonly isSilent?: boolean
}

/** How many notices may wait for the reader of `stderr`; further ones are dropped and counted. */
const MAX_WAITING_NOTICES = 1000

/**
 * Lines on `stderr` that may come at any moment, such as what an MCP server writes.
 *
 * A reader that is slow or gone costs a bounded number of lines, and holds nothing up but `flush`.
 */
export class Notices {
  readonly #stderr: Output
  #place: NoticePlace | undefined
  #waitingCount = 0
  #droppedCount = 0
  #written: Promise<void> = Promise.resolve()

  constructor(stderr: Output) {
    this.#stderr = stderr
  }

  /** Lines go to `place` from now on; straight to `stderr` without one. */
  showIn(place: NoticePlace | undefined): void {
    this.#place = place
  }

  /** @param line without a line feed, safe for a terminal @param isUrgent whether it is shown even where the place drops lines */
  tell(line: string, isUrgent = false): void {
    if (this.#waitingCount >= MAX_WAITING_NOTICES) {
      this.#droppedCount += 1
      return
    }
    const dropped = this.#droppedCount === 0 ? '' : ` (${this.#droppedCount} lines before it were left out)`
    this.#droppedCount = 0
    this.#waitingCount += 1
    // Invariant: it never rejects, since neither `Output` nor a place does.
    this.#written = Promise.all([this.#written, this.#write(`${line}${dropped}`, isUrgent)]).then(() => {})
  }

  /** Settles once all lines so far are written; never rejects. */
  flush(): Promise<void> {
    return this.#written
  }

  async #write(line: string, isUrgent: boolean): Promise<void> {
    const place = isUrgent && this.#place?.isSilent ? undefined : this.#place
    if (place === undefined) await this.#stderr.write(`${line}\n`)
    else await place.say(line)
    this.#waitingCount -= 1
  }
}
