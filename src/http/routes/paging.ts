import type { ExecutionRecord } from '../../store/execution-store.ts'
import { badRequest } from '../answers/problem.ts'

const DEFAULT_PAGE = 100
const MAX_PAGE = 1000

/** The last of a page: what the next one begins behind. */
export type PageEnd = Pick<ExecutionRecord, 'createdAt' | 'executionId'>

/** @throws HttpProblem 400 */
export function parsePageSize(text: string | null): number {
  if (text === null) return DEFAULT_PAGE
  const size = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0
  if (size >= 1 && size <= MAX_PAGE) return size
  throw badRequest(`Expected \`limit\` to be an integer from 1 to ${MAX_PAGE}`)
}

/** Text for `next`, which a client hands back as it is. */
export function encodeCursor({ createdAt, executionId }: PageEnd): string {
  return `${createdAt}_${executionId}`
}

/** The inverse. @throws HttpProblem 400 for anything that it does not make */
export function decodeCursor(text: string | null): PageEnd | undefined {
  if (text === null) return undefined
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)_([A-Za-z0-9_-]{1,128})$/.exec(text)
  if (match) return { createdAt: match[1] as string, executionId: match[2] as string }
  throw badRequest('Expected `after` to be the `next` of the page before')
}
