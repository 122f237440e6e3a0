import { HttpError } from '../../client/failures.ts'

/** A failure for people: what the server said, else what went wrong on the way. */
export function describeFailure(error: unknown): string {
  if (error instanceof HttpError) {
    const { detail, title } = error.details as { readonly detail?: unknown; readonly title?: unknown }
    for (const text of [detail, title]) if (typeof text === 'string') return text
  }
  const { message, cause } = (error ?? {}) as { readonly message?: unknown; readonly cause?: unknown }
  if (cause instanceof HttpError) return describeFailure(cause)
  if (error instanceof TypeError) return 'The server cannot be reached'
  return typeof message === 'string' ? message : String(error)
}

/** Whether the server asks for its token. */
export function isUnauthorized(error: unknown): boolean {
  if (error instanceof HttpError) return error.status === 401
  return (error as { readonly cause?: unknown } | undefined)?.cause instanceof HttpError
    ? isUnauthorized((error as { readonly cause: unknown }).cause)
    : false
}
