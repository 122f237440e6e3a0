import { DagstreamError } from '../errors.ts'
import type { EventFor, SSEEvent } from '../events/events.ts'
import type { LogEntry } from '../events/log-entry.ts'
import { applyEvent, copyState, createState, type ExecutionState } from '../events/state.ts'
import { EntryTail } from '../stream/entry-tail.ts'
import type { Lease } from '../stream/event-log.ts'
import type { ExecutionNotes } from '../stream/execution-notes.ts'
import { compareAge } from './list-order.ts'
import type { ExecutionRecord, ExecutionStore, StoredExecution } from './execution-store.ts'
import { summarize } from './execution-summary.ts'
import { type MemoryStoreOptions, resolveMemoryOptions } from './memory-store-options.ts'

/** What an execution takes beside its entries and outputs, and what a task's state takes; bytes, estimates. */
const EXECUTION_WEIGHT = 1024
const TASK_WEIGHT = 256

interface Kept {
  readonly record: ExecutionRecord
  status: StoredExecution['status']
  notes: ExecutionNotes | undefined
  epoch: number
  readonly tail: EntryTail
  /** What the entries that the tail has let go add up to. */
  base: ExecutionState | undefined
  baseBytes: number
  readonly outputs: Map<string, string>
  outputBytes: number
  /** ISO 8601: its first event. */
  startedAt: string | undefined
  /** The data of its last event, JSON. */
  end: string | undefined
  finishedAt: number
  /** What of `finishedBytes` is its share; 0 while it runs. */
  finishedBytes: number
}

/**
 * A store that forgets with the process: the tail of every execution's log, finished ones within bounds.
 *
 * Everything answers at once, so that an execution on it never waits for its log.
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): ExecutionStore {
  const bounds = resolveMemoryOptions(options)
  const executions = new Map<string, Kept>()
  const byKey = new Map<string, Kept>()
  /** In the order in which they finished. */
  const finished = new Set<Kept>()
  let finishedBytes = 0

  /** Whoever holds the lease may still write after the end: its share follows. */
  const weigh = (kept: Kept): void => {
    if (!finished.has(kept)) return
    finishedBytes -= kept.finishedBytes
    const { record, tail, baseBytes, outputBytes } = kept
    kept.finishedBytes = EXECUTION_WEIGHT + weighRecord(record) + tail.bytes + baseBytes + outputBytes
    finishedBytes += kept.finishedBytes
  }
  const show = ({ record, status, notes }: Kept): StoredExecution => ({ ...record, status, ...(notes && { notes }) })

  const forget = (kept: Kept): void => {
    executions.delete(kept.record.executionId)
    const key = keyOf(kept.record)
    if (key !== undefined) byKey.delete(key)
    if (finished.delete(kept)) finishedBytes -= kept.finishedBytes
  }

  const sweep = (): number => {
    const oldest = bounds.clock.now() - bounds.maxFinishedAgeMs
    let count = 0
    for (const kept of finished) {
      // One alone may be as large as it is: whoever waited for it is still to have its result.
      const isTooMuch = finishedBytes > bounds.maxFinishedBytes && finished.size > 1
      const isOver = finished.size > bounds.maxFinishedCount || isTooMuch
      if (!isOver && kept.finishedAt > oldest) break
      forget(kept)
      count += 1
    }
    return count
  }

  const held = (lease: Lease): Kept => {
    const kept = find(executions, lease.executionId)
    if (kept.epoch !== lease.epoch) {
      throw new DagstreamError('FENCED', `Execution \`${lease.executionId}\` has been claimed by another process`)
    }
    return kept
  }

  return {
    create(record) {
      sweep()
      const key = keyOf(record)
      const same = key === undefined ? undefined : byKey.get(key)
      if (same !== undefined) return show(same)
      if (executions.has(record.executionId)) {
        throw new DagstreamError('STORE_FAILED', `Execution \`${record.executionId}\` exists already`)
      }
      const kept: Kept = {
        record: { ...record },
        status: 'running',
        notes: undefined,
        epoch: 0,
        tail: new EntryTail(bounds, weighEntry, entry => fold(kept, entry)),
        base: undefined,
        baseBytes: 0,
        outputs: new Map(),
        outputBytes: 0,
        startedAt: undefined,
        end: undefined,
        finishedAt: 0,
        finishedBytes: 0,
      }
      executions.set(record.executionId, kept)
      if (key !== undefined) byKey.set(key, kept)
      return undefined
    },

    claim(executionId) {
      const kept = find(executions, executionId)
      kept.epoch += 1
      return { executionId, epoch: kept.epoch }
    },

    append(lease, firstSeq, entries) {
      const kept = held(lease)
      if (firstSeq !== kept.tail.lastSeq + 1) {
        throw new DagstreamError('SEQ_CONFLICT', `Expected seq ${kept.tail.lastSeq + 1}, got ${firstSeq}`)
      }
      const first = entries[0]
      if (firstSeq === 1 && first !== undefined) kept.startedAt = first.data.timestamp
      for (const entry of entries) kept.tail.push(entry)
      const last = entries.at(-1)
      if (last?.type === 'execution_complete') {
        kept.status = statusOf(last)
        kept.end = last.json
        kept.finishedAt = bounds.clock.now()
        finished.add(kept)
      }
      weigh(kept)
      if (kept.status !== 'running') sweep()
    },

    read(executionId, afterSeq, limit) {
      const kept = executions.get(executionId)
      return kept?.tail.read(afterSeq, limit, Number.POSITIVE_INFINITY) ?? []
    },

    readBase(executionId) {
      const base = executions.get(executionId)?.base
      return base && copyState(base)
    },

    get(executionId) {
      sweep()
      const kept = executions.get(executionId)
      return kept && show(kept)
    },

    findByKey(owner, idempotencyKey) {
      sweep()
      const kept = byKey.get(keyOf({ owner, idempotencyKey }) as string)
      return kept && show(kept)
    },

    list({ owner, after, limit }) {
      sweep()
      return [...executions.values()]
        .filter(({ record }) => owner === undefined || record.owner === owner)
        .map(show)
        .filter(shown => after === undefined || compareAge(shown, after) > 0)
        .sort(compareAge)
        .slice(0, limit)
    },

    summarize: executionIds =>
      executionIds.map(executionId => {
        const kept = executions.get(executionId)
        return kept === undefined ? {} : summarize({ ...kept, workflow: kept.record.workflow })
      }),

    putOutput(lease, taskId, json) {
      const kept = held(lease)
      kept.outputBytes += json.length - (kept.outputs.get(taskId)?.length ?? 0)
      kept.outputs.set(taskId, json)
      weigh(kept)
    },

    note(lease, notes) {
      const kept = held(lease)
      kept.notes = { ...kept.notes, ...notes }
    },

    getOutput(executionId, taskId) {
      return executions.get(executionId)?.outputs.get(taskId)
    },

    delete(executionId) {
      const kept = executions.get(executionId)
      if (kept !== undefined) forget(kept)
      return kept !== undefined
    },

    sweep,
  }
}

/** An entry that the tail lets go goes on to count: what an execution has come to is never lost. */
function fold(kept: Kept, entry: LogEntry): void {
  kept.base ??= createState(kept.record.executionId)
  applyEvent(kept.base, entry as unknown as SSEEvent, entry.seq)
  // Outputs go from the entry to the state; tasks are all made by the first event.
  if (entry.seq === 1) kept.baseBytes += kept.base.tasks.size * TASK_WEIGHT
  if (!entry.refersToOutput) kept.baseBytes += entry.data.output?.weight ?? 0
}

function weighRecord({ workflow, input, options }: ExecutionRecord): number {
  return (workflow?.length ?? 0) + (input?.length ?? 0) + (options?.length ?? 0)
}

/** Without an output that is kept beside it, and weighed there. */
function weighEntry(entry: LogEntry): number {
  return entry.refersToOutput ? entry.weight - (entry.data.output?.weight ?? 0) : entry.weight
}

function find(executions: Map<string, Kept>, executionId: string): Kept {
  const kept = executions.get(executionId)
  if (kept === undefined) throw new DagstreamError('EXECUTION_NOT_FOUND', `There is no execution \`${executionId}\``)
  return kept
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

function statusOf(entry: LogEntry): StoredExecution['status'] {
  return (entry.data as unknown as EventFor<'execution_complete'>['data']).status
}
