import type { Logger } from '../log/logger.ts'
import type { CommandContext } from './console.ts'
import { toPlainLine } from './text.ts'
import type { Viewer } from './viewer.ts'

/** How many lines may wait for whoever reads them; further ones are dropped and counted. */
const MAX_WAITING_LINES = 1000

/**
 * What MCP servers write on stderr, and what is wrong with them, for people: `mcp memory: …`, on stderr.
 *
 * A reader that is slow or gone costs a bounded number of lines, and never holds up a server.
 */
export class McpLines implements Logger {
  readonly #context: CommandContext
  #viewer: Viewer | undefined
  #waitingCount = 0
  #droppedCount = 0

  constructor(context: CommandContext) {
    this.#context = context
  }

  /** From now on lines go where a viewer puts them, which may be drawing; without one straight to stderr. */
  showIn(viewer: Viewer | undefined): void {
    this.#viewer = viewer
  }

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    // Each is ended with the command.
    if (fields?.['isClosed'] === true) return
    this.#tell(message, fields, '')
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#tell(message, fields, `${this.#context.colors.yellow('warning')} `)
  }

  #tell(message: string, { server = '' }: Readonly<Record<string, unknown>> = {}, mark: string): void {
    if (this.#waitingCount >= MAX_WAITING_LINES) {
      this.#droppedCount += 1
      return
    }
    // The name stands before each line, as it does in a log of JSON.
    const head = `MCP server \`${String(server)}\`: `
    const text = message.startsWith(head) ? `mcp ${String(server)}: ${message.slice(head.length)}` : message
    const dropped = this.#droppedCount === 0 ? '' : ` (${this.#droppedCount} lines before it were left out)`
    this.#droppedCount = 0
    this.#waitingCount += 1
    void this.#write(`${mark}${toPlainLine(text)}${dropped}`)
  }

  /** Never rejects: neither does what it writes to. */
  async #write(line: string): Promise<void> {
    if (this.#viewer === undefined) await this.#context.stderr.write(`${line}\n`)
    else await this.#viewer.say(line)
    this.#waitingCount -= 1
  }
}
