import type { ExecutionRecord } from './execution-store.ts'

/** Ids of the last `limit` executions of an owner, or of all. @param ended in order of their ends */
export function findRecent(
  ended: Iterable<{ readonly record: ExecutionRecord }>,
  owner: string | undefined,
  limit: number,
): readonly string[] {
  const own = Array.from(ended, ({ record }) => record).filter(record => owner === undefined || record.owner === owner)
  return own
    .toReversed()
    .slice(0, limit)
    .map(({ executionId }) => executionId)
}
