import type { McpClient } from '../protocol/mcp-client.ts'
import type { Connection } from './connection.ts'
import { McpFailure } from '../protocol/mcp-failure.ts'
import type { ServerLink } from './server-link.ts'

/** A connected client. Its owner closes it; it is never reconnected. */
export class GivenLink implements ServerLink {
  readonly #name: string
  readonly #client: McpClient
  #isClosed = false

  constructor(name: string, client: McpClient) {
    this.#name = name
    this.#client = client
  }

  async connect(): Promise<Connection> {
    const reason = this.#isClosed ? 'was closed' : this.#client.transport ? undefined : 'is not connected'
    if (reason !== undefined) throw new McpFailure('MCP_SERVER_UNAVAILABLE', `MCP server \`${this.#name}\` ${reason}`)
    const client = this.#client
    return {
      client,
      callCount: 0,
      get lossReason() {
        return client.transport ? undefined : 'closed the connection'
      },
      async close() {},
    }
  }

  begin(): void {}

  end(): void {}

  answered(): void {}

  drop(): void {}

  retire(): void {}

  async close(): Promise<void> {
    this.#isClosed = true
  }
}
