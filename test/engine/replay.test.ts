import { expect, test } from 'vitest'
import { ExecutionLoop } from '../../src/engine/execution-loop.ts'
import { createCounters } from '../../src/engine/counters.ts'
import { resolveOptions } from '../../src/engine/options.ts'
import { replay } from '../../src/engine/resume/replay.ts'
import { LogEntry } from '../../src/events/log-entry.ts'
import { compileWorkflow, createMemoryStore, type ExecutionStore, type StoredExecution } from '../../src/index.ts'
import { inspectTable } from '../../src/scheduler/table-queries.ts'
import { TaskTable } from '../../src/scheduler/task-table.ts'
import { createRandom, createRandomGraph, forSeeds } from '../support/random-graph.ts'

const SLOTS = [1, 2, 3, 8] as const

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

test('each prefix of any log gives the table that the live execution had at that event', async () => {
  await forSeeds(60, async seed => {
    const random = createRandom(seed)
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T
    const graph = createRandomGraph(random, 25)
    const document = {
      tasks: graph.tasks.map(task => ({
        ...task,
        ...(random() < 0.4 && { retry: { maxAttempts: 3, initialDelayMs: Math.floor(random() * 3) } }),
      })),
    }
    let running: ExecutionLoop | undefined
    const execute = async (): Promise<unknown> => {
      const fate = random()
      if (fate < 0.01) running?.cancel({ code: 'CANCELLED', message: 'By chance' })
      if (fate < 0.02) running?.handOff()
      for (let turn = Math.floor(random() * 3); turn > 0; turn--) await new Promise(resolve => setImmediate(resolve))
      if (fate < 0.25) throw new Error('no')
      return fate
    }
    const limit = random() < 0.4 ? { limit: pick([1, 2, 3]) } : {}
    const plan = compileWorkflow(document, { work: { execute, ...limit } })
    const options = resolveOptions({
      schedule: pick(['layers', 'dataflow']),
      maxConcurrency: pick(SLOTS),
      onTaskError: random() < 0.3 ? 'fail-fast' : 'continue',
      abortGraceMs: 1,
    })
    const store = createMemoryStore()
    const record = { executionId: 'x', createdAt: '2026-01-01T00:00:00.000Z' }
    await store.create(record)
    const stored: StoredExecution = { ...record, status: 'running' }
    const live: unknown[] = []
    for (let life = 0; (await store.get('x'))?.status === 'running'; life++) {
      const lease = await store.claim('x')
      const mortal = life < 6 ? endAfter(store, Math.floor(random() * 40)) : store
      const { log, table, outputs } = await replay(stored, mortal, plan, options)
      expect(inspectTable(table), `life ${life}`).toEqual(live.at(-1) ?? inspectTable(new TaskTable(plan, options)))
      const applied: unknown[] = []
      watch(table, inspected => void applied.push(inspected))
      const loop = new ExecutionLoop({ log, options, counters: createCounters() })
      running = loop
      const cause = table.history.isHandedOff ? 'handoff' : random() < 0.2 ? 'manual' : 'crash'
      const parts = { plan, input: undefined, table, outputs }
      loop.start(lease, parts, undefined, log.head === 0 ? undefined : { cause })
      await loop.ended.catch(() => {})
      live.push(...applied)
    }
    const entries = (await store.read('x', 0, 100_000)).map(({ seq, type, json }) => LogEntry.fromJson(seq, type, json))
    const table = new TaskTable(plan, options)
    const replayed = entries.map(entry => {
      table.apply(entry)
      return inspectTable(table)
    })
    expect(live.length).toBe(entries.length)
    for (const [at, inspected] of replayed.entries()) {
      expect(inspected, `after ${entries[at]?.type} ${at + 1}`).toEqual(live[at])
    }
    const ends = entries.flatMap(({ type, data }) => (type === 'task_complete' ? [data.taskId] : []))
    expect([ends.length, new Set(ends).size]).toEqual([document.tasks.length, document.tasks.length])
  })
})
