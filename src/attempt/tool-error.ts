import type { ToolFailure } from './attempt-outcome.ts'
import { MAX_RETRY_AFTER_MS } from './retry.ts'
import { cutText } from '../text.ts'

/** The error of resolved arguments that the tool's schema refuses. */
export class InvalidArgumentsError extends Error {
  override readonly name: string = 'InvalidArgumentsError'
  readonly code = 'INVALID_ARGUMENTS' as const
}

/**
 * Reads any value that a tool threw. Only its message, its string `code`, `retryable` and `retryAfterMs` are read; stack,
 * cause and other properties never leave the process. Never throws.
 */
export function readToolError(thrown: unknown): ToolFailure {
  try {
    return readFields(thrown)
  } catch {
    // A getter or a proxy of the thrown value threw in turn.
    return {
      status: 'error',
      code: 'TOOL_ERROR',
      message: 'The tool failed with an error that cannot be read',
      isRetryable: true,
    }
  }
}

/** Reads an error of the preparation of arguments; another attempt would fail in the same way. */
export function readInputError(thrown: unknown): ToolFailure {
  return { ...readToolError(thrown), isRetryable: false }
}

function readFields(thrown: unknown): ToolFailure {
  if (typeof thrown !== 'object' || thrown === null) {
    // The text of a function would be its source code.
    const shown = typeof thrown === 'function' ? 'a function' : String(thrown) || 'an empty string'
    const message = typeof thrown === 'string' && thrown !== '' ? thrown : `The tool threw ${shown}`
    return { status: 'error', code: 'TOOL_ERROR', message, isRetryable: true }
  }
  const { message, name, code, retryable, retryAfterMs } = thrown as Record<string, unknown>
  const text =
    typeof message === 'string' && message !== ''
      ? message
      : typeof name === 'string' && name !== ''
        ? name
        : 'The tool failed'
  const failure = {
    status: 'error',
    code: typeof code === 'string' && code !== '' ? cutText(code, MAX_CODE_LENGTH) : 'TOOL_ERROR',
    message: text,
  } as const
  if (typeof retryAfterMs !== 'number' || !(retryAfterMs >= 0)) return { ...failure, isRetryable: retryable !== false }
  return { ...failure, isRetryable: retryable !== false && retryAfterMs <= MAX_RETRY_AFTER_MS, retryAfterMs }
}

/** A longer code is cut, UTF-16 units. */
const MAX_CODE_LENGTH = 200
