import type { ExecutionStore } from '../store/execution-store.ts'
import { expectSame } from './expectations.ts'
import { begin, makeEnd, makeName, type NamedCheck } from './store-fixtures.ts'

/** Requirements on a store for the history of executions. */
export const RECENT_CASES: readonly NamedCheck[] = [
  ['recent executions are those that ended, newest first, by owner', checkRecent],
]

/** Only for a store that knows its recent executions. */
async function checkRecent(store: ExecutionStore): Promise<void> {
  if (store.recent === undefined) return
  const owner = makeName('owner')
  const ids: string[] = []
  for (let i = 0; i < 4; i++) {
    const createdAt = new Date(Date.UTC(2026, 0, 2) + i).toISOString()
    const { executionId, lease } = await begin(store, { owner, createdAt })
    if (i !== 2) await store.append(lease, 1, [makeEnd(executionId, 1, 'success')])
    if (i !== 2) ids.unshift(executionId)
  }
  expectSame('recent() of an owner', await store.recent({ owner, limit: 10 }), ids)
  expectSame('the last 2', await store.recent({ owner, limit: 2 }), ids.slice(0, 2))
  expectSame('recent() of an unknown owner', await store.recent({ owner: makeName('unknown'), limit: 10 }), [])
  const all = await store.recent({ limit: 1000 })
  expectSame(
    'whether all have them',
    ids.every(id => all.includes(id)),
    true,
  )
}
