import type { Client } from '@modelcontextprotocol/sdk/client/index.js'

/** What may be said of every server. */
export interface McpServerOptions {
  /** How many calls of tools that are not read-only may run at once on this server. @defaultValue 1 */
  readonly concurrency?: number
  /**
   * All tools of the server, by its own names for them, whose calls change nothing: they share no limit. An empty list: none.
   * @defaultValue those that the server itself marks, by `annotations.readOnlyHint`
   */
  readonly readOnlyTools?: readonly string[]
  /**
   * `false`: arguments are sent as they are, for a server that takes more than its `inputSchema` says. The schemas are still shown.
   * @defaultValue true
   */
  readonly checkArguments?: boolean
  /** Per attempt, ms; 0 for none. A task's own comes first. @defaultValue the execution's `taskTimeoutMs` */
  readonly timeoutMs?: number
  /**
   * Each progress of a call starts its `timeoutMs` anew. A task's own `timeoutMs` is not started anew.
   * @defaultValue false; with it `timeoutMs` is 30,000 unless given
   */
  readonly resetTimeoutOnProgress?: boolean
}

/** A server that is a process, spoken to over its stdin and stdout. */
export interface McpProcessConfig extends McpServerOptions {
  readonly type?: 'stdio'
  readonly command: string
  readonly args?: readonly string[]
  /** Beside `HOME`, `LOGNAME`, `PATH`, `SHELL`, `TERM` and `USER`, the only variables it sees. */
  readonly env?: Readonly<Record<string, string>>
  /** @defaultValue that of this process */
  readonly cwd?: string
  /** It is as if it were not there. */
  readonly disabled?: boolean
}

/** A server that is spoken to over Streamable HTTP. */
export interface McpHttpConfig extends McpServerOptions {
  readonly type?: 'http' | 'streamable-http' | 'streamableHttp'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** It is as if it were not there. */
  readonly disabled?: boolean
}

/**
 * What other MCP hosts keep in their files; what stands there beside `mcpServers` is not looked at. In `command`, `args`, `env`,
 * `cwd`, `url` and `headers`, `${NAME}` stands for a variable of the environment.
 */
export interface McpConfig {
  readonly mcpServers: Readonly<Record<string, McpProcessConfig | McpHttpConfig>>
}

/** Clients of the SDK that are connected already, by the name of their server. Whoever connected them closes them. */
export type McpClients = Readonly<Record<string, Client | (McpServerOptions & { readonly client: Client })>>

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
  | { readonly kind: 'client'; readonly client: Client }

/** A server as it was configured, checked. */
export interface ServerConfig {
  readonly name: string
  readonly reach: Reach
  /** What must be in no text that people see. */
  readonly secrets: readonly string[]
  /** `undefined`: nobody said, so 1. */
  readonly concurrency?: number
  /** `undefined`: what the server says counts. */
  readonly readOnlyTools?: readonly string[]
  readonly checkArguments: boolean
  readonly timeoutMs?: number
  readonly resetTimeoutOnProgress: boolean
}
