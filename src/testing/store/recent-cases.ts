import type { ExecutionStore } from '../../store/execution-store.ts'
import { expectSame } from '../expectations.ts'
import { LogEntry } from '../../events/log-entry.ts'
import { JsonValue } from '../../events/json-value.ts'
import { begin, makeEnd, makeName, type NamedCheck, TIMESTAMP } from '../store-fixtures.ts'

/** Requirements on a store for the history of executions. */
export const RECENT_CASES: readonly NamedCheck[] = [
  ['recent executions are those that ended, newest first, by owner', checkRecent],
  ['times are the entries that say what tasks took, in order and in pages', checkTimes],
]

/** Only for a store that knows its recent executions. */
async function checkRecent(store: ExecutionStore): Promise<void> {
  if (store.recent === undefined) return
  const owner = makeName('owner')
  const ids: string[] = []
  const statuses = ['success', 'error', 'success', 'cancelled', 'partial'] as const
  for (const [i, status] of statuses.entries()) {
    const createdAt = new Date(Date.UTC(2026, 0, 2) + i).toISOString()
    const { executionId, lease } = await begin(store, { owner, createdAt })
    if (i !== 2) await store.append(lease, 1, [makeEnd(executionId, 1, status)])
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

/** Only for a store that finds them faster than the whole log. */
async function checkTimes(store: ExecutionStore): Promise<void> {
  if (store.readTimes === undefined) return
  const { executionId, lease } = await begin(store)
  const head = { executionId, timestamp: TIMESTAMP }
  const started = { ...head, taskId: 'a', tool: 'work', layer: 0, attempt: 1 }
  const ended = { ...head, taskId: 'a', tool: 'work', attempts: 1, executionTimeMs: 5, waitMs: 0 }
  const start = { ...head, totalTasks: 1, layers: [['a']], schedule: 'layers', name: 'named' } as const
  const usage = { totalTokensIn: 7, totalTokensOut: 1 }
  const entries = [
    new LogEntry(1, 'execution_start', start),
    new LogEntry(2, 'task_start', started),
    new LogEntry(3, 'task_start', { ...started, itemCount: 2 }),
    new LogEntry(4, 'info', { ...head, level: 'info', message: 'left out' }),
    new LogEntry(5, 'task_retry', { ...head, taskId: 'a', attempt: 2, delayMs: 1, error: 'x', code: 'TOOL_ERROR' }),
    new LogEntry(6, 'token_usage', {
      ...head,
      taskId: 'a',
      attempt: 2,
      tokenUsage: usage,
      executionTokenUsage: usage,
    }),
    new LogEntry(7, 'tasks_added', { ...head, parentId: 'a', tasks: [], totalTasks: 1 }),
    new LogEntry(8, 'task_complete', { ...ended, status: 'success', output: JsonValue.from('long') }),
    makeEnd(executionId, 9, 'success'),
  ]
  await store.append(lease, 1, entries)
  const found = await store.readTimes(executionId, 0, 1000)
  expectSame(
    'seqs of readTimes()',
    found.map(({ seq }) => seq),
    [1, 3, 5, 6, 7, 8],
  )
  expectSame(
    'fields of readTimes()',
    found
      .filter(({ type }) => type !== 'tasks_added' && type !== 'token_usage')
      .map(({ type, data }) => [type, data['name'] ?? data['itemCount'] ?? data['delayMs'] ?? data['executionTimeMs']]),
    [
      ['execution_start', 'named'],
      ['task_start', 2],
      ['task_retry', 1],
      ['task_complete', 5],
    ],
  )
  expectSame('the first page', (await store.readTimes(executionId, 0, 2)).length, 2)
  const second = await store.readTimes(executionId, 3, 2)
  expectSame(
    'the second page',
    second.map(({ seq }) => seq),
    [5, 6],
  )
  expectSame('readTimes() of an unknown execution', await store.readTimes(makeName('unknown'), 0, 10), [])
}
