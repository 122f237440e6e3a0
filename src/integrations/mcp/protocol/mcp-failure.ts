/** The loss reason of a connection that was closed here. */
export const CLOSED = 'was closed'

/**
 * Why a call failed.
 *
 * `MCP_SERVER_LOST`: the connection was lost during the call, which may have been carried out. `MCP_SERVER_UNAVAILABLE`: the
 * server could not be reached, and the call was not made. `TASK_TIMEOUT`: no answer and no progress in time. `TOOL_ERROR`: the server
 * refused the call, or its tool failed.
 */
export type McpFailureCode = 'MCP_SERVER_LOST' | 'MCP_SERVER_UNAVAILABLE' | 'TASK_TIMEOUT' | 'TOOL_ERROR'

/** The error of a failed call, in the form that the engine reads. */
export class McpFailure extends Error {
  override readonly name: string = 'McpFailure'
  readonly code: McpFailureCode
  /** Whether another attempt may succeed. */
  readonly retryable: boolean

  constructor(code: McpFailureCode, message: string, retryable = true) {
    super(message)
    this.code = code
    this.retryable = retryable
  }
}
