import { DagstreamError } from '../errors.ts'
import type { LogEntry } from '../events/log-entry.ts'
import { copyState, createState, type ExecutionState } from '../events/execution-state.ts'
import { applyEvent } from '../events/state.ts'
import { advanceExecution } from './advance-execution.ts'
import { EntryTail } from '../log/entry-tail.ts'
import type { Lease } from '../log/event-log.ts'
import { compareAge } from './list-order.ts'
import type { ExecutionRecord, ExecutionStore, StoredExecution } from './execution-store.ts'
import { summarize } from './execution-summary.ts'
import { MemorySecrets, type SecretRow } from './memory-secrets.ts'
import { OutputCache } from './output-cache.ts'
import { findRecent } from './recent-executions.ts'
import { type MemoryStoreOptions, resolveMemoryOptions } from './memory-store-options.ts'

/** Estimated memory of an execution without its entries and outputs, and of a task's state, bytes. */
const EXECUTION_WEIGHT = 1024
const TASK_WEIGHT = 256

interface MemoryRow extends SecretRow {
  readonly record: ExecutionRecord
  /** The record with the status derived from its log. */
  shown: StoredExecution
  epoch: number
  readonly tail: EntryTail
  /** The fold of the entries that the tail has evicted. */
  base: ExecutionState | undefined
  baseBytes: number
  readonly outputs: Map<string, string>
  outputBytes: number
  /** Time of its first event, ISO 8601. */
  startedAt: string | undefined
  /** The data of its last event, JSON. */
  end: string | undefined
  finishedAt: number
  /** Its share of the total `finishedBytes`; 0 while it runs. */
  finishedBytes: number
}

/**
 * A store in memory. It keeps the tail of every execution's log, and finished executions within bounds.
 *
 * All methods are synchronous, so that an execution never waits for its log.
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): ExecutionStore {
  const bounds = resolveMemoryOptions(options)
  const executions = new Map<string, MemoryRow>()
  const byKey = new Map<string, MemoryRow>()
  /** In order of completion. */
  const finished = new Set<MemoryRow>()
  let finishedBytes = 0
  const outputs = new OutputCache(bounds)

  /** Updates the weight of a finished execution: the holder of the lease may still write after the end. */
  const weigh = (row: MemoryRow): void => {
    if (!finished.has(row)) return
    finishedBytes -= row.finishedBytes
    const { record, tail, baseBytes, outputBytes } = row
    row.finishedBytes = EXECUTION_WEIGHT + weighRecord(record) + tail.bytes + baseBytes + outputBytes
    finishedBytes += row.finishedBytes
  }
  const forget = (row: MemoryRow): void => {
    executions.delete(row.record.executionId)
    const key = keyOf(row.record)
    if (key !== undefined) byKey.delete(key)
    if (finished.delete(row)) finishedBytes -= row.finishedBytes
  }

  const sweep = (): number => {
    outputs.sweep()
    const oldest = bounds.clock.now() - bounds.maxFinishedAgeMs
    let count = 0
    for (const row of finished) {
      // A single execution may exceed the bound, so that its result can still be read.
      const isTooMuch = finishedBytes > bounds.maxFinishedBytes && finished.size > 1
      const isOver = finished.size > bounds.maxFinishedCount || isTooMuch
      if (!isOver && row.finishedAt > oldest) break
      forget(row)
      count += 1
    }
    return count
  }

  const requireLease = (lease: Lease): MemoryRow => {
    const row = find(executions, lease.executionId)
    if (row.epoch !== lease.epoch) {
      throw new DagstreamError('FENCED', `Execution \`${lease.executionId}\` has been claimed by another process`)
    }
    return row
  }

  return {
    create(record) {
      sweep()
      const key = keyOf(record)
      const same = key === undefined ? undefined : byKey.get(key)
      if (same !== undefined) return same.shown
      if (executions.has(record.executionId)) {
        throw new DagstreamError('STORE_FAILED', `Execution \`${record.executionId}\` exists already`)
      }
      const row: MemoryRow = {
        record: { ...record },
        shown: { ...record, status: 'running' },
        epoch: 0,
        tail: new EntryTail(bounds, weighEntry, entry => fold(row, entry)),
        base: undefined,
        baseBytes: 0,
        outputs: new Map(),
        outputBytes: 0,
        secrets: undefined,
        startedAt: undefined,
        end: undefined,
        finishedAt: 0,
        finishedBytes: 0,
      }
      executions.set(record.executionId, row)
      if (key !== undefined) byKey.set(key, row)
      return undefined
    },

    claim(executionId) {
      const row = find(executions, executionId)
      row.epoch += 1
      return { executionId, epoch: row.epoch }
    },

    append(lease, firstSeq, entries) {
      const row = requireLease(lease)
      if (firstSeq !== row.tail.lastSeq + 1) {
        throw new DagstreamError('SEQ_CONFLICT', `Expected seq ${row.tail.lastSeq + 1}, got ${firstSeq}`)
      }
      const first = entries[0]
      if (firstSeq === 1 && first !== undefined) row.startedAt = first.data.timestamp
      for (const entry of entries) {
        row.tail.push(entry)
        row.shown = advanceExecution(row.shown, entry)
      }
      const last = entries.at(-1)
      if (last?.type === 'execution_complete') {
        row.end = last.json
        row.finishedAt = bounds.clock.now()
        finished.add(row)
      }
      weigh(row)
      if (row.shown.status !== 'running') sweep()
    },

    read(executionId, afterSeq, limit) {
      const row = executions.get(executionId)
      return row?.tail.read(afterSeq, limit, Number.POSITIVE_INFINITY) ?? []
    },

    readBase(executionId) {
      const base = executions.get(executionId)?.base
      return base && copyState(base)
    },

    get(executionId) {
      sweep()
      const row = executions.get(executionId)
      return row?.shown
    },

    findByKey(owner, idempotencyKey) {
      sweep()
      const row = byKey.get(keyOf({ owner, idempotencyKey }) as string)
      return row?.shown
    },

    list({ owner, after, limit }) {
      sweep()
      return [...executions.values()]
        .filter(({ record }) => owner === undefined || record.owner === owner)
        .map(({ shown }) => shown)
        .filter(shown => after === undefined || compareAge(shown, after) > 0)
        .sort(compareAge)
        .slice(0, limit)
    },

    recent: ({ owner, limit }) => findRecent(finished, owner, limit),

    summarize: executionIds =>
      executionIds.map(executionId => {
        const row = executions.get(executionId)
        return row === undefined ? {} : summarize({ ...row, workflow: row.record.workflow })
      }),

    putOutput(lease, taskId, json) {
      const row = requireLease(lease)
      row.outputBytes += json.length - (row.outputs.get(taskId)?.length ?? 0)
      row.outputs.set(taskId, json)
      weigh(row)
    },

    getOutput(executionId, taskId) {
      return executions.get(executionId)?.outputs.get(taskId)
    },

    secrets: new MemorySecrets(requireLease, executionId => executions.get(executionId)),

    delete(executionId) {
      const row = executions.get(executionId)
      if (row !== undefined) forget(row)
      return row !== undefined
    },

    recall: (key, maxAgeMs) => outputs.recall(key, maxAgeMs),
    remember: (key, remembered) => outputs.remember(key, remembered),
    forget: () => outputs.forget(),

    sweep,
  }
}

/** Folds an evicted entry into the base state, so that the execution's state is never lost. */
function fold(row: MemoryRow, entry: LogEntry): void {
  row.base ??= createState(row.record.executionId)
  const { size } = row.base.tasks
  applyEvent(row.base, entry, entry.seq)
  row.baseBytes += (row.base.tasks.size - size) * TASK_WEIGHT
  // Outputs move from the entry to the state.
  if (!entry.refersToOutput) row.baseBytes += entry.output?.weight ?? 0
}

function weighRecord({ workflow, input, options }: ExecutionRecord): number {
  return (workflow?.length ?? 0) + (input?.length ?? 0) + (options?.length ?? 0)
}

/** Weight of an entry without a separately stored output, which `outputBytes` counts. */
function weighEntry(entry: LogEntry): number {
  return entry.refersToOutput ? entry.weight - (entry.output?.weight ?? 0) : entry.weight
}

function find(executions: Map<string, MemoryRow>, executionId: string): MemoryRow {
  const row = executions.get(executionId)
  if (row === undefined) throw new DagstreamError('EXECUTION_NOT_FOUND', `There is no execution \`${executionId}\``)
  return row
}

function keyOf({
  owner,
  idempotencyKey,
}: {
  readonly owner?: string | undefined
  readonly idempotencyKey?: string
}): string | undefined {
  return idempotencyKey === undefined ? undefined : JSON.stringify([owner ?? null, idempotencyKey])
}
