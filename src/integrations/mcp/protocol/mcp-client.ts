/** The SDK limits each request to 60 s by default. This is the longest delay of a timer, ms: the engine limits the calls. */
export const NO_TIMEOUT: number = 2 ** 31 - 1

type Fields = Readonly<Record<string, unknown>>

/** The part of an `AbortSignal` that the SDK uses for a request. */
export interface RequestSignal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: () => void): void
  removeEventListener(type: 'abort', listener: () => void): void
}

/** Options of one request. */
export interface McpRequestOptions {
  readonly signal?: RequestSignal
  /** Milliseconds. */
  readonly timeout?: number
  readonly onprogress?: (report: {
    readonly progress: number
    readonly total?: number | undefined
    readonly message?: string | undefined
  }) => void
}

/** A notification of the server. */
export interface McpNotification {
  readonly method: string
  readonly params?: { readonly [name: string]: unknown } | undefined
}

/** A schema in the two forms that the clients take: a Standard Schema, or one with `safeParse`. */
export interface McpResultSchema {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    validate(value: unknown): unknown
  }
  safeParse?(value: unknown): unknown
}

/**
 * The part of a connected client that is used here. The `Client` of `@modelcontextprotocol/client` has it, and so has the one
 * of `@modelcontextprotocol/sdk`, version 1.
 */
export interface McpClient {
  /** Undefined while the client is not connected. */
  readonly transport?: object | undefined
  /** Receives the notifications that have no handler of their own. */
  fallbackNotificationHandler?: ((notification: McpNotification) => Promise<void>) | undefined
  getServerCapabilities(): { readonly tools?: unknown } | undefined
  request(
    request: { readonly method: string; readonly params?: Record<string, unknown> },
    resultSchema: McpResultSchema,
    options?: McpRequestOptions,
  ): Promise<unknown>
}

/**
 * Accepts any result. Results are checked where they are read, field by field: the SDK's schemas would refuse a whole result
 * for one unknown content block.
 */
const ANY_RESULT: McpResultSchema = {
  '~standard': { version: 1, vendor: 'dagstream', validate: value => ({ value }) },
  safeParse: data => ({ success: true, data }),
}

/** Sends a request. @returns the unchecked result; rejects with an error of the client's own SDK */
export async function requestResult(
  client: McpClient,
  method: 'tools/call' | 'tools/list',
  params: Record<string, unknown>,
  options: McpRequestOptions = {},
): Promise<Fields> {
  return (await client.request({ method, params }, ANY_RESULT, { timeout: NO_TIMEOUT, ...options })) as Fields
}
