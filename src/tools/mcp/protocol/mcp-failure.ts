/** The loss reason of a connection that was closed here. */
export const CLOSED = 'was closed'

/**
 * Why a call failed that no answer of its server decided.
 *
 * `MCP_SERVER_LOST`: the connection was lost during the call, which may have been carried out. `MCP_SERVER_UNAVAILABLE`: the
 * server could not be reached, so it was not. `TASK_TIMEOUT`: neither answer nor progress for too long. `TOOL_ERROR`: the
 * server refused the call, or its tool failed.
 */
export type McpFailureCode = 'MCP_SERVER_LOST' | 'MCP_SERVER_UNAVAILABLE' | 'TASK_TIMEOUT' | 'TOOL_ERROR'

/** A failed call, as the engine reads it. */
export class McpFailure extends Error {
  override readonly name: string = 'McpFailure'
  readonly code: McpFailureCode
  /** Whether another attempt could end differently. */
  readonly retryable: boolean

  constructor(code: McpFailureCode, message: string, retryable = true) {
    super(message)
    this.code = code
    this.retryable = retryable
  }
}
