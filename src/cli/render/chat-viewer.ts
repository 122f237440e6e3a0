import type { EventFor, SSEEvent } from '../../events/events.ts'
import type { TokenUsage } from '../../events/token-usage.ts'
import type { CommandContext } from '../process/console.ts'
import { describeEvent } from './event-lines.ts'
import { CursorTracker } from './cursor-tracker.ts'
import { toPlainText } from './text.ts'
import type { Viewer } from './viewer.ts'

/** Options of a chat viewer. */
export interface ChatViewerOptions {
  /** Whether tokens are written to stdout as they arrive. */
  readonly isStreaming: boolean
  /** Whether retries are reported. */
  readonly isVerbose: boolean
  /** Called once the reader of stdout has left. */
  readonly onGone: () => void
}

/**
 * Writes the answer of one model to stdout, everything else to stderr.
 *
 * The output of an attempt is void once it is retried: on a terminal it is erased. Where that is impossible, such as in a pipe,
 * a line on stderr announces that the answer starts over.
 */
export class ChatViewer implements Viewer {
  /** Totals that the events have reported so far. */
  tokenUsage: TokenUsage | undefined
  /** Metrics of the last attempt that streamed. */
  metrics: EventFor<'metrics'>['data'] | undefined
  attemptCount = 0
  readonly #context: CommandContext
  readonly #options: ChatViewerOptions
  readonly #cursor = new CursorTracker()
  /** Terminal width at the start of the attempt: a resize reflows the written text. */
  #columns: number | undefined
  /** Length of the attempt's shown text, UTF-16 units. */
  #shownLength = 0
  #endsLine = true
  /** After a `snapshot` the earlier text is missing: only the result is complete. */
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
      case 'tasks_removed':
      case 'plan_rejected':
      case 'plan_sealed':
      case 'tasks_stopping':
      case 'input_required':
      case 'input_resolved':
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

  /** Writes a line to stderr, after a line break in an unfinished answer. */
  async say(line: string): Promise<void> {
    const { stdout, stderr } = this.#context
    const isShared = stdout.stream.isTTY === true && stderr.stream.isTTY === true
    if (isShared && !this.#endsLine) await this.#put('\n')
    await stderr.write(`${line}\n`)
    if (isShared) this.#cursor.advance(`${line}\n`, this.#width)
  }

  close(): void {}

  /** Completes the answer: writes the rest of it and ends its line. */
  async finish(text: string): Promise<void> {
    if (this.#shownLength !== text.length) {
      await this.#void()
      await this.#write(text)
    }
    await this.breakLine()
  }

  /** Ends the line of an answer that stays incomplete. */
  async breakLine(): Promise<void> {
    if (!this.#endsLine) await this.#put('\n')
  }

  async #write(text: string): Promise<void> {
    if (text === '') return
    if (this.#columns === undefined) {
      this.#columns = this.#width
      this.#cursor.reset()
    }
    this.#shownLength += text.length
    await this.#put(this.#context.stdout.stream.isTTY ? toPlainText(text) : text)
  }

  async #put(text: string): Promise<void> {
    const { stdout } = this.#context
    this.#endsLine = text.endsWith('\n')
    if (stdout.stream.isTTY) this.#cursor.advance(text, this.#width)
    if (!(await stdout.write(text))) this.#options.onGone()
  }

  /** Invalidates the shown answer. */
  async #void(): Promise<void> {
    if (this.#shownLength > 0) {
      const erasure = this.#findErasure()
      if (erasure === undefined) {
        await this.breakLine()
        await this.say(this.#context.colors.yellow('Discard the text above: the answer restarts'))
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
    return this.#cursor.findErasure(rows)
  }

  async #tell(event: SSEEvent): Promise<void> {
    const line = describeEvent(event, this.#context.colors)
    if (line !== undefined) await this.say(line)
  }

  get #width(): number {
    return this.#context.stdout.stream.columns || 80
  }
}
