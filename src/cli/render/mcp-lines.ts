import type { Logger } from '../../log/logger.ts'
import type { CommandContext } from '../process/console.ts'
import { toPlainLine } from './text.ts'

/** What MCP servers write on stderr, and what is wrong with them, for people: `mcp memory: …`, on stderr. */
export class McpLines implements Logger {
  readonly #context: Pick<CommandContext, 'notices' | 'colors'>

  constructor(context: Pick<CommandContext, 'notices' | 'colors'>) {
    this.#context = context
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
    // The name stands before each line, as it does in a log of JSON.
    const head = `MCP server \`${String(server)}\`: `
    const text = message.startsWith(head) ? `mcp ${String(server)}: ${message.slice(head.length)}` : message
    this.#context.notices.tell(`${mark}${toPlainLine(text)}`)
  }
}
