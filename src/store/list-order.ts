import type { ExecutionRecord } from './execution-store.ts'

/** The order of lists: by `createdAt`, then by id. */
export function compareAge(
  a: Pick<ExecutionRecord, 'createdAt' | 'executionId'>,
  b: Pick<ExecutionRecord, 'createdAt' | 'executionId'>,
): number {
  return compareText(a.createdAt, b.createdAt) || compareText(a.executionId, b.executionId)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
