import { describeCause } from '../../client/describe-cause.ts'
import { systemClock } from '../../clock.ts'
import type { SSEEvent } from '../../events/events.ts'
import { askPerson, INTERRUPTED } from '../input/question-prompts.ts'
import type { CliProcess } from '../process/console.ts'
import { toPlainLine } from '../render/text.ts'
import type { Viewer } from '../render/viewer.ts'
import type { OpenInput } from './execution-source.ts'

/** A question may be answered further on in a log that is replayed: asking waits so long for that, ms. */
const SETTLE_MS = 150

/** The parts that the questions of a followed execution need. */
export interface TerminalQuestionsOptions {
  readonly process: CliProcess
  readonly viewer: Viewer
  readonly answer: (inputId: string, response: unknown) => Promise<void>
  /** Ctrl-C at a question. */
  readonly onInterrupt: () => void
}

/** Asks the questions of an execution on the terminal, one after the other, while the execution continues. */
export class TerminalQuestions {
  readonly #options: TerminalQuestionsOptions
  readonly #waiting = new Map<string, OpenInput>()
  #current: { readonly inputId: string; readonly abort: AbortController } | undefined
  #stopTimer: (() => void) | undefined
  #isClosed = false

  constructor(options: TerminalQuestionsOptions) {
    this.#options = options
  }

  show({ type, data }: SSEEvent): void {
    const { executionId } = data
    if (type === 'input_required') this.#add(data)
    else if (type === 'snapshot') for (const input of data.inputs ?? []) this.#add({ executionId, ...input })
    else if (type === 'input_resolved') this.#remove(data.inputId)
    else if (type === 'execution_complete') this.close()
  }

  close(): void {
    this.#isClosed = true
    this.#stopTimer?.()
    this.#waiting.clear()
    this.#current?.abort.abort()
  }

  #add(input: OpenInput): void {
    this.#waiting.set(input.inputId, input)
    this.#schedule()
  }

  #remove(inputId: string): void {
    this.#waiting.delete(inputId)
    if (this.#current?.inputId === inputId) this.#current.abort.abort()
  }

  #schedule(): void {
    if (this.#isClosed || this.#current !== undefined || this.#waiting.size === 0) return
    this.#stopTimer?.()
    this.#stopTimer = systemClock.after(SETTLE_MS, () => void this.#askNext())
  }

  /** Never rejects. */
  async #askNext(): Promise<void> {
    const [input] = this.#waiting.values()
    if (input === undefined || this.#current !== undefined || this.#isClosed) return
    const { process, viewer, answer, onInterrupt } = this.#options
    const { inputId } = input
    const abort = new AbortController()
    this.#current = { inputId, abort }
    const release = viewer.hold?.()
    let fault: string | undefined
    try {
      const response = await askPerson(input, process, abort.signal)
      if (response === INTERRUPTED) {
        this.#waiting.clear()
        onInterrupt()
      } else if (response !== undefined) {
        await answer(inputId, response)
        this.#waiting.delete(inputId)
      }
    } catch (error) {
      fault = toPlainLine(describeCause(error))
      // One that does not fit is asked for again.
      if (!isRefused(error)) this.#waiting.delete(inputId)
    }
    release?.()
    this.#current = undefined
    if (fault !== undefined) await viewer.say(fault)
    this.#schedule()
  }
}

function isRefused(error: unknown): boolean {
  const { code, details } = error as { code?: string; details?: { status?: number } }
  return code === 'INVALID_RESPONSE' || details?.status === 422
}
