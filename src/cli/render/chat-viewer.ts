import type { EventFor, SSEEvent } from '../../events/events.ts'
import type { TokenUsage } from '../../events/token-usage.ts'
import type { CommandContext } from '../process/console.ts'
import { describeEvent } from './event-lines.ts'
import { TerminalPlace } from '../target/terminal-place.ts'
import { toPlainText } from './text.ts'
import type { Viewer } from './viewer.ts'

/** How an answer is shown. */
export interface ChatViewerOptions {
  /** Whether it goes to stdout while it is written. */
  readonly isStreaming: boolean
  /** Whether retries are told. */
  readonly isVerbose: boolean
  /** Called once nobody reads stdout any more. */
  readonly onGone: () => void
}

/**
 * The answer of one model on stdout, everything else on stderr.
 *
 * What an attempt has written is void once it is tried again: on a terminal it is taken back. Where it cannot be, such as
 * in a pipe, a line on stderr says that what follows begins anew.
 */
export class ChatViewer implements Viewer {
  /** The totals that the events have told so far. */
  tokenUsage: TokenUsage | undefined
  /** Of the last attempt that streamed. */
  metrics: EventFor<'metrics'>['data'] | undefined
  attemptCount = 0
  readonly #context: CommandContext
  readonly #options: ChatViewerOptions
  readonly #place = new TerminalPlace()
  /** Of the terminal when the attempt began: another width moves what was written. */
  #columns: number | undefined
  /** Of the attempt's text, in UTF-16 units. */
  #shownLength = 0
  #endsLine = true
  /** After a `snapshot` the text that came before it is missing: only the result has all of it. */
  #isPartial = false

  constructor(context: CommandContext, options: ChatViewerOptions) {
    this.#context = context
    this.#options = options
  }

  async show(event: SSEEvent): Promise<void> {
    switch (event.type) {
      case 'task_start':
        this.attemptCount = event.data.attempt
        return
      case 'token':
        if (this.#options.isStreaming && !this.#isPartial) await this.#write(event.data.text)
        return
      case 'metrics':
        this.metrics = event.data
        return
      case 'token_usage':
        this.tokenUsage = event.data.executionTokenUsage
        return
      case 'task_retry':
        await this.#void()
        this.#isPartial = false
        if (this.#options.isVerbose) await this.#tell(event)
        return
      case 'snapshot':
        this.tokenUsage = event.data.tokenUsage ?? this.tokenUsage
        this.attemptCount = event.data.tasks[0]?.attempts ?? this.attemptCount
        await this.#void()
        this.#isPartial = true
        return
      case 'info':
      case 'error':
        return this.#tell(event)
      case 'tasks_added':
      case 'execution_stopping':
      case 'execution_handed_off':
      case 'execution_resumed':
      case 'execution_parked':
      case 'execution_start':
      case 'task_progress':
      case 'task_complete':
      case 'execution_complete':
    }
  }

  /** A line on stderr; an answer that is being written is broken before it. */
  async say(line: string): Promise<void> {
    const { stdout, stderr } = this.#context
    const isShared = stdout.stream.isTTY === true && stderr.stream.isTTY === true
    if (isShared && !this.#endsLine) await this.#put('\n')
    await stderr.write(`${line}\n`)
    if (isShared) this.#place.advance(`${line}\n`, this.#width)
  }

  close(): void {}

  /** The answer is complete: writes what of it was not shown yet, and ends its line. */
  async finish(text: string): Promise<void> {
    if (this.#shownLength !== text.length) {
      await this.#void()
      await this.#write(text)
    }
    await this.breakLine()
  }

  /** Ends the line of an answer that stays as it is. */
  async breakLine(): Promise<void> {
    if (!this.#endsLine) await this.#put('\n')
  }

  async #write(text: string): Promise<void> {
    if (text === '') return
    if (this.#columns === undefined) {
      this.#columns = this.#width
      this.#place.reset()
    }
    this.#shownLength += text.length
    await this.#put(this.#context.stdout.stream.isTTY ? toPlainText(text) : text)
  }

  async #put(text: string): Promise<void> {
    const { stdout } = this.#context
    this.#endsLine = text.endsWith('\n')
    if (stdout.stream.isTTY) this.#place.advance(text, this.#width)
    if (!(await stdout.write(text))) this.#options.onGone()
  }

  /** What was shown of the answer holds no longer. */
  async #void(): Promise<void> {
    if (this.#shownLength > 0) {
      const erasure = this.#findErasure()
      if (erasure === undefined) {
        await this.breakLine()
        await this.say(this.#context.colors.yellow('What was written above is void: the answer begins anew'))
      } else await this.#context.stdout.write(erasure)
    }
    this.#shownLength = 0
    this.#endsLine = true
    this.#columns = undefined
  }

  #findErasure(): string | undefined {
    const { stdout, process } = this.#context
    const { isTTY, rows = 24 } = stdout.stream
    if (!isTTY || process.env['TERM'] === 'dumb' || this.#columns !== this.#width) return undefined
    return this.#place.findErasure(rows)
  }

  async #tell(event: SSEEvent): Promise<void> {
    const line = describeEvent(event, this.#context.colors)
    if (line !== undefined) await this.say(line)
  }

  get #width(): number {
    return this.#context.stdout.stream.columns || 80
  }
}
