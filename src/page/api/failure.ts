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

/** A problem that a server found in a document, a plan, a patch or an answer. */
export interface FoundIssue {
  readonly code: string
  readonly pointer: string
  readonly message: string
  readonly in?: string
}

/** The problems that the server listed. */
export function readIssues(error: unknown): readonly FoundIssue[] {
  const issues: unknown = error instanceof HttpError ? error.details['issues'] : undefined
  return Array.isArray(issues) ? (issues as readonly FoundIssue[]) : []
}

/** A problem for people. */
export function describeIssue({ code, pointer, message }: FoundIssue): string {
  return `${code} at ${pointer || 'the document'}: ${message}`
}

/** Whether the server asks for its token. */
export function isUnauthorized(error: unknown): boolean {
  if (error instanceof HttpError) return error.status === 401
  return (error as { readonly cause?: unknown } | undefined)?.cause instanceof HttpError
    ? isUnauthorized((error as { readonly cause: unknown }).cause)
    : false
}
