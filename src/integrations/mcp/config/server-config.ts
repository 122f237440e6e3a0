import type { McpClient } from '../protocol/mcp-client.ts'

/** Options of every server. */
export interface McpServerOptions {
  /** Maximum number of concurrent calls of tools that are not read-only. @defaultValue 1 */
  readonly concurrency?: number
  /**
   * The server's own names of all its tools whose calls change nothing. They have no limit. An empty list means none.
   * @defaultValue the tools with `annotations.readOnlyHint`
   */
  readonly readOnlyTools?: readonly string[]
  /**
   * `false`: arguments are sent unchecked, for a server that takes more than its `inputSchema` allows. The schemas are still
   * shown.
   * @defaultValue true
   */
  readonly checkArguments?: boolean
  /** Per attempt, ms; 0 for none. The `timeoutMs` of a task takes precedence. @defaultValue the execution's `taskTimeoutMs` */
  readonly timeoutMs?: number
  /**
   * Each progress of a call restarts `timeoutMs`. It does not restart the `timeoutMs` of a task.
   * @defaultValue false; with true, `timeoutMs` defaults to 30,000
   */
  readonly resetTimeoutOnProgress?: boolean
}

/** A process that reads requests on stdin and answers on stdout. */
export interface McpProcessConfig extends McpServerOptions {
  readonly type?: 'stdio'
  readonly command: string
  readonly args?: readonly string[]
  /** The process inherits only `HOME`, `LOGNAME`, `PATH`, `SHELL`, `TERM` and `USER`. */
  readonly env?: Readonly<Record<string, string>>
  /** @defaultValue the working directory of this process */
  readonly cwd?: string
  /** `true`: the server is ignored. */
  readonly disabled?: boolean
}

/** A server over Streamable HTTP. */
export interface McpHttpConfig extends McpServerOptions {
  readonly type?: 'http' | 'streamable-http' | 'streamableHttp'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** `true`: the server is ignored. */
  readonly disabled?: boolean
}

/**
 * The configuration file of other MCP hosts. Fields beside `mcpServers` are ignored. In `command`, `args`, `env`, `cwd`, `url`
 * and `headers`, `${NAME}` stands for a variable of the environment.
 */
export interface McpConfig {
  readonly mcpServers: Readonly<Record<string, McpProcessConfig | McpHttpConfig>>
}

/**
 * Connected clients by the name of their server, of `@modelcontextprotocol/client` or of `@modelcontextprotocol/sdk`. Their
 * owner closes them.
 */
export type McpClients = Readonly<Record<string, McpClient | (McpServerOptions & { readonly client: McpClient })>>

/** How a server is reached. */
export type Reach =
  | {
      readonly kind: 'process'
      readonly command: string
      readonly args: readonly string[]
      readonly env: Readonly<Record<string, string>>
      readonly cwd?: string
    }
  | { readonly kind: 'http'; readonly url: URL; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: 'client'; readonly client: McpClient }

/** A checked server. */
export interface ServerConfig {
  readonly name: string
  readonly reach: Reach
  /** Values that no shown or logged text may contain. */
  readonly secrets: readonly string[]
  /** `undefined`: not configured, so 1. */
  readonly concurrency?: number
  /** `undefined`: the hints of the server decide. */
  readonly readOnlyTools?: readonly string[]
  readonly checkArguments: boolean
  readonly timeoutMs?: number
  readonly resetTimeoutOnProgress: boolean
}
