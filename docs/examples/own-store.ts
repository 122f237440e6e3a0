// A store of one's own, over a `Map`, tested by the suite that every store must pass.
import assert from 'node:assert/strict'
import {
  advanceExecution,
  DagstreamError,
  type ExecutionRecord,
  type ExecutionStore,
  ParallelExecutor,
  type StoredEntry,
  type StoredExecution,
} from 'dagstream'
import { testStore } from 'dagstream/testing'

interface Row {
  execution: StoredExecution
  epoch: number
  entries: StoredEntry[]
  outputs: Map<string, string>
}

function createMapStore(): ExecutionStore {
  const all = new Map<string, Row>()
  const find = (executionId: string): Row => {
    const row = all.get(executionId)
    if (row === undefined) throw new DagstreamError('EXECUTION_NOT_FOUND', `There is no execution \`${executionId}\``)
    return row
  }
  const requireLease = (lease: { executionId: string; epoch: number }): Row => {
    const row = find(lease.executionId)
    if (row.epoch !== lease.epoch) throw new DagstreamError('FENCED', 'Another process has claimed the execution')
    return row
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
      const row = requireLease(lease)
      if (firstSeq !== row.entries.length + 1) throw new DagstreamError('SEQ_CONFLICT', `Unexpected seq ${firstSeq}`)
      row.entries.push(...entries.map(({ seq, type, json }) => ({ seq, type, json })))
      row.execution = entries.reduce(advanceExecution, row.execution)
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
    putOutput: (lease, taskId, json) => void requireLease(lease).outputs.set(taskId, json),
    getOutput: (executionId, taskId) => all.get(executionId)?.outputs.get(taskId),
    delete: executionId => all.delete(executionId),
    sweep: () => 0,
  }
}

function keyOf({ createdAt, executionId }: Pick<ExecutionRecord, 'createdAt' | 'executionId'>): string {
  return `${createdAt} ${executionId}`
}

for (const { run } of testStore(createMapStore)) await run()

const store = createMapStore()
const result = await new ParallelExecutor({ echo: args => args }, { store }).execute({
  tasks: [{ id: 'a', tool: 'echo' }],
})
const types = (await store.read(result.executionId, 0, 100)).map(({ type }) => type)
assert.deepEqual(types, ['execution_start', 'task_start', 'task_complete', 'execution_complete'])
assert.equal((await store.get(result.executionId))?.status, 'success')
