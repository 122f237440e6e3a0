import type { Clock } from '../../../clock.ts'
import type { Logger } from '../../../log/logger.ts'
import type { Redact } from '../../redact.ts'
import { shortenText } from '../../../text.ts'

/** Maximum length of a line, characters. */
const MAX_LINE = 1000
/** Maximum number of lines per window. */
const MAX_LINES = 100
const WINDOW_MS = 1000

/** The log of one server: without secrets, and bounded. */
export class ServerLog {
  readonly #name: string
  readonly #logger: Logger
  readonly #clock: Clock
  readonly #redact: Redact
  #windowAt = Number.NEGATIVE_INFINITY
  #lineCount = 0
  #leftOutCount = 0

  /** @param logger never throws */
  constructor(name: string, logger: Logger, clock: Clock, redact: Redact) {
    this.#name = name
    this.#logger = logger
    this.#clock = clock
    this.#redact = redact
  }

  /** @param fields logged in addition to the server's name */
  debug(line: string, fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.#takeSlot()) this.#logger.debug(this.#format(line), { ...fields, server: this.#name })
  }

  warn(line: string): void {
    if (this.#takeSlot()) this.#logger.warn(this.#format(line), { server: this.#name })
  }

  #takeSlot(): boolean {
    const now = this.#clock.now()
    if (now - this.#windowAt >= WINDOW_MS) {
      this.#windowAt = now
      this.#lineCount = 0
      const leftOutCount = this.#leftOutCount
      this.#leftOutCount = 0
      if (leftOutCount > 0) {
        this.#logger.warn(this.#format(`${leftOutCount} lines were dropped`), { server: this.#name })
      }
    }
    this.#lineCount += 1
    if (this.#lineCount <= MAX_LINES) return true
    this.#leftOutCount += 1
    return false
  }

  #format(line: string): string {
    // Redacts before it cuts: half a secret would not be found.
    const text = this.#redact(line)
    return `MCP server \`${this.#name}\`: ${shortenText(text, MAX_LINE)}`
  }
}
