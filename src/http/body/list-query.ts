import type { PageEnd } from '../../host/listing/execution-list.ts'
import { type ListFilter, MOMENT, parseMoment, SHOWN_STATUSES } from '../../host/listing/list-filter.ts'
import { badRequest } from '../answers/problem.ts'

const DEFAULT_PAGE = 100
const MAX_PAGE = 1000

/** @throws HttpProblem 400 */
export function parsePageSize(text: string | null): number {
  if (text === null) return DEFAULT_PAGE
  const size = /^[0-9]{1,9}$/.test(text) ? Number(text) : 0
  if (size >= 1 && size <= MAX_PAGE) return size
  throw badRequest(`Expected \`limit\` to be an integer from 1 to ${MAX_PAGE}`)
}

/** The text of `next`, which a client sends back unchanged. */
export function encodeCursor({ createdAt, executionId }: PageEnd): string {
  return `${createdAt}_${executionId}`
}

/** The inverse. @throws HttpProblem 400 */
export function decodeCursor(text: string | null): PageEnd | undefined {
  if (text === null) return undefined
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)_([A-Za-z0-9_-]{1,128})$/.exec(text)
  if (match) return { createdAt: match[1] as string, executionId: match[2] as string }
  throw badRequest('Expected `after` to be the `next` of the previous page')
}

/** @throws HttpProblem 400 */
export function parseListFilter(query: URLSearchParams): ListFilter {
  for (const name of ['status', 'name', 'since']) {
    if (query.getAll(name).length > 1) throw badRequest(`Expected one \`${name}\`, got ${query.getAll(name).length}`)
  }
  const [status, name, since] = ['status', 'name', 'since'].map(each => query.get(each))
  const known = SHOWN_STATUSES.find(each => each === status)
  if (status !== null && known === undefined) {
    throw badRequest(`Expected \`status\` to be one of ${SHOWN_STATUSES.join(', ')}`)
  }
  const moment = since === null || since === undefined ? undefined : parseMoment(since)
  if (typeof since === 'string' && moment === undefined) throw badRequest(`Expected \`since\` to be ${MOMENT}`)
  return {
    ...(known !== undefined && { status: known }),
    ...(typeof name === 'string' && { name }),
    ...(moment !== undefined && { since: moment }),
  }
}
