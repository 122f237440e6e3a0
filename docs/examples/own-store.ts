// A store of one's own, over a `Map`, held against the suite that every store must pass.
import assert from 'node:assert/strict'
import {
  DagstreamError,
  type ExecutionRecord,
  type ExecutionStore,
  ParallelExecutor,
  type StoredEntry,
  type StoredExecution,
} from 'dagstream'
import { storeConformance } from 'dagstream/testing'

interface Kept {
  execution: StoredExecution
  epoch: number
  entries: StoredEntry[]
  outputs: Map<string, string>
}

function createMapStore(): ExecutionStore {
  const all = new Map<string, Kept>()
  const find = (executionId: string): Kept => {
    const kept = all.get(executionId)
    if (kept === undefined) throw new DagstreamError('EXECUTION_NOT_FOUND', `There is no execution \`${executionId}\``)
    return kept
  }
  const held = (lease: { executionId: string; epoch: number }): Kept => {
    const kept = find(lease.executionId)
    if (kept.epoch !== lease.epoch) throw new DagstreamError('FENCED', 'Another process has claimed the execution')
    return kept
  }
  return {
    create(record) {
      const { executionId, owner, idempotencyKey } = record
      const same = [...all.values()].find(({ execution }) => {
        return idempotencyKey !== undefined && execution.idempotencyKey === idempotencyKey && execution.owner === owner
      })
      if (same) return same.execution
      if (all.has(executionId)) throw new DagstreamError('STORE_FAILED', `Execution \`${executionId}\` exists already`)
      all.set(executionId, { execution: { ...record, status: 'running' }, epoch: 0, entries: [], outputs: new Map() })
      return undefined
    },
    claim: executionId => ({ executionId, epoch: ++find(executionId).epoch }),
    append(lease, firstSeq, entries) {
      const kept = held(lease)
      if (firstSeq !== kept.entries.length + 1) throw new DagstreamError('SEQ_CONFLICT', `Unexpected seq ${firstSeq}`)
      kept.entries.push(...entries.map(({ seq, type, json }) => ({ seq, type, json })))
      const last = kept.entries.at(-1)
      if (last?.type === 'execution_complete') kept.execution = { ...kept.execution, ...readStatus(last) }
    },
    read: (executionId, afterSeq, limit) => all.get(executionId)?.entries.slice(afterSeq, afterSeq + limit) ?? [],
    get: executionId => all.get(executionId)?.execution,
    list({ owner, after, limit }) {
      return Array.from(all.values(), ({ execution }) => execution)
        .filter(one => owner === undefined || one.owner === owner)
        .filter(one => after === undefined || keyOf(one) > keyOf(after))
        .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
        .slice(0, limit)
    },
    putOutput: (lease, taskId, json) => void held(lease).outputs.set(taskId, json),
    note(lease, notes) {
      const kept = held(lease)
      kept.execution = { ...kept.execution, notes: { ...kept.execution.notes, ...notes } }
    },
    getOutput: (executionId, taskId) => all.get(executionId)?.outputs.get(taskId),
    delete: executionId => all.delete(executionId),
    sweep: () => 0,
  }
}

function keyOf({ createdAt, executionId }: Pick<ExecutionRecord, 'createdAt' | 'executionId'>): string {
  return `${createdAt} ${executionId}`
}

function readStatus({ json }: StoredEntry): Pick<StoredExecution, 'status'> {
  return { status: (JSON.parse(json) as StoredExecution).status }
}

for (const { run } of storeConformance(createMapStore)) await run()

const store = createMapStore()
const result = await new ParallelExecutor({ echo: args => args }, { store }).execute({
  tasks: [{ id: 'a', tool: 'echo' }],
})
const types = (await store.read(result.executionId, 0, 100)).map(({ type }) => type)
assert.deepEqual(types, ['execution_start', 'task_start', 'task_complete', 'execution_complete'])
assert.equal((await store.get(result.executionId))?.status, 'success')
