import type { Logger } from '../../log/logger.ts'
import type { CommandContext } from '../process/console.ts'
import { toPlainLine } from './text.ts'

/** Prints the stderr output and the failures of MCP servers on stderr: `mcp memory: …`. */
export class McpLines implements Logger {
  readonly #context: Pick<CommandContext, 'notices' | 'colors'>

  constructor(context: Pick<CommandContext, 'notices' | 'colors'>) {
    this.#context = context
  }

  debug(message: string, fields?: Readonly<Record<string, unknown>>): void {
    // Every server closes with the command.
    if (fields?.['isClosed'] === true) return
    this.#tell(message, fields, '')
  }

  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.#tell(message, fields, `${this.#context.colors.yellow('warning')} `)
  }

  #tell(message: string, { server = '' }: Readonly<Record<string, unknown>> = {}, mark: string): void {
    // The prefix already names the server, as the fields do in a JSON log.
    const head = `MCP server \`${String(server)}\`: `
    const text = message.startsWith(head) ? `mcp ${String(server)}: ${message.slice(head.length)}` : message
    this.#context.notices.tell(`${mark}${toPlainLine(text)}`)
  }
}
