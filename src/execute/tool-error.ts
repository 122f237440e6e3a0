import type { TaskCode } from '../events/events.ts'
import { MAX_RETRY_AFTER_MS } from './retry.ts'

/** Resolved arguments that the tool's schema refuses. */
export class InvalidArgumentsError extends Error {
  override readonly name: string = 'InvalidArgumentsError'
  readonly code = 'INVALID_ARGUMENTS' as const
}

/** A failed attempt as data. */
export interface ToolFailure {
  readonly status: 'error'
  readonly code: TaskCode
  readonly message: string
  readonly isRetryable: boolean
  readonly retryAfterMs?: number
}

/**
 * Reads whatever a tool threw. Only its message, its string `code`, `retryable` and `retryAfterMs` are looked at; its stack,
 * cause and other properties never leave the process. Never throws, whatever was thrown.
 */
export function readToolError(thrown: unknown): ToolFailure {
  try {
    return readFields(thrown)
  } catch {
    // A getter or a proxy of the thrown thing threw in turn.
    return {
      status: 'error',
      code: 'TOOL_ERROR',
      message: 'The tool failed with an error that cannot be read',
      isRetryable: true,
    }
  }
}

/** Reads what the preparation of arguments threw; a further attempt would end the same. */
export function readInputError(thrown: unknown): ToolFailure {
  return { ...readToolError(thrown), isRetryable: false }
}

function readFields(thrown: unknown): ToolFailure {
  if (typeof thrown !== 'object' || thrown === null) {
    const message =
      typeof thrown === 'string' && thrown !== '' ? thrown : `The tool threw ${String(thrown) || 'an empty string'}`
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
    code: typeof code === 'string' && CODE.test(code) ? code : 'TOOL_ERROR',
    message: text,
  } as const
  if (typeof retryAfterMs !== 'number' || !(retryAfterMs >= 0)) return { ...failure, isRetryable: retryable !== false }
  return { ...failure, isRetryable: retryable !== false && retryAfterMs <= MAX_RETRY_AFTER_MS, retryAfterMs }
}

/** A code is a word for programs; anything longer, or with spaces, is a message in the wrong place. */
const CODE = /^[\w.:/-]{1,100}$/
