import { expect } from 'vitest'
import { ExecutionLoop } from '../../src/engine/execution-loop.ts'
import { createCounters } from '../../src/engine/counters.ts'
import { describeGrowth, type ResolvedPlanOptions } from '../../src/engine/growth/plan-options.ts'
import { RecordedGrowth } from '../../src/engine/growth/recorded-growth.ts'
import type { ResolvedOptions } from '../../src/engine/options.ts'
import { replay } from '../../src/engine/resume/replay.ts'
import type { ForkSource } from '../../src/engine/reuse/takeover.ts'
import { LogEntry } from '../../src/events/log-entry.ts'
import { createMemoryStore, type ExecutionPlan, type ExecutionStore, type JsonValue } from '../../src/index.ts'
import { inspectTable } from '../../src/scheduler/table-queries.ts'
import { TaskTable } from '../../src/scheduler/task-table.ts'
import type { GrowthSources } from '../../src/engine/growth/growth-sources.ts'

/** Calls back with what a table decides by, after each event. */
function watch(table: TaskTable, onApplied: (inspected: unknown) => void): void {
  const apply = table.apply.bind(table)
  table.apply = (event, now) => {
    apply(event, now)
    onApplied(inspectTable(table))
  }
}

/** A store that fails once `count` more entries are in it, as if the process ended. */
function endAfter(store: ExecutionStore, count: number): ExecutionStore {
  let left = count
  return {
    ...store,
    append(lease, firstSeq, entries) {
      left -= entries.length
      if (left < 0) throw new Error('The process ended')
      return store.append(lease, firstSeq, entries)
    },
  }
}

/** An execution that ends its process again and again. */
export interface Lives {
  readonly plan: ExecutionPlan
  readonly input?: JsonValue | undefined
  readonly options: ResolvedOptions
  readonly random: () => number
  /** Of a fork. */
  readonly fork?: ForkSource | undefined
  /** Of a document that is written or patched while it runs. */
  readonly growth?: GrowthSources
  readonly streamed?: ResolvedPlanOptions
  /** Called with the loop of each process, before it starts. */
  readonly onLife: (loop: ExecutionLoop) => void
}

/**
 * Runs an execution in several processes to its end, and expects that each prefix of its log replays to the table that the
 * live execution had at that event.
 * @returns the entries of its log
 */
export async function expectReplayAlike(lives: Lives): Promise<LogEntry[]> {
  const { plan, input, options, random, fork, growth, streamed, onLife } = lives
  const tableOptions = { ...options, ...describeGrowth(streamed) }
  const createGrowth = (): RecordedGrowth | undefined => growth && new RecordedGrowth(plan, input, growth.tools)
  const store = createMemoryStore()
  const record = { executionId: 'x', createdAt: '2026-01-01T00:00:00.000Z' }
  await store.create(record)
  const live: unknown[] = []
  for (let life = 0; (await store.get('x'))?.status === 'running'; life++) {
    const lease = await store.claim('x')
    const stored = { ...record, status: 'running' } as const
    const mortal = life < 6 ? endAfter(store, Math.floor(random() * 40)) : store
    const { log, table, outputs } = await replay(stored, mortal, plan, tableOptions, createGrowth())
    expect(inspectTable(table), `life ${life}`).toEqual(live.at(-1) ?? inspectTable(new TaskTable(plan, tableOptions)))
    const applied: unknown[] = []
    watch(table, inspected => void applied.push(inspected))
    const loop = new ExecutionLoop({ log, options, counters: createCounters() })
    onLife(loop)
    const cause = table.history.isHandedOff ? 'handoff' : random() < 0.2 ? 'manual' : 'crash'
    const start = { plan, input, table, outputs, fork, growth, streamed }
    loop.start(lease, start, undefined, log.head === 0 ? undefined : { cause })
    await loop.ended.catch(() => {})
    live.push(...applied)
  }
  const all = await store.read('x', 0, 100_000)
  const entries = all.map(({ seq, type, json }) => LogEntry.fromJson(seq, type, json))
  const table = new TaskTable(plan, tableOptions)
  const recorded = createGrowth()
  expect(live.length).toBe(entries.length)
  for (const [at, entry] of entries.entries()) {
    recorded?.apply(entry, table)
    table.apply(entry)
    expect(inspectTable(table), `after ${entry.type} ${at + 1}`).toEqual(live[at])
  }
  return entries
}
